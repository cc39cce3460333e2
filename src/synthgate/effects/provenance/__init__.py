"""C2PA manifests: an extra, written last and verified; those of others read (src/decisions/0030)."""
