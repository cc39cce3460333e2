"""What an SRE is given beside the metrics: their page and the dashboards, made from the code that counts."""
