"""``synthgate rollout``: observe, report, enforce."""

import pytest

from cli_commands import Running, run


def test_report_says_what_would_have_been_refused(
    chain: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = ("--tenant", "example")
    why = ("--by", "ops", "--reason", "trial")
    options = chain.options
    duties = ("--duty", "identity", "--duty", "consent", "--percent", "100")
    code, said, _ = run(capsys, "rollout", "observe", *tenant, *duties, *why, *options)
    assert (code, "consent, identity observed for 100 %" in said) == (0, True)
    event_id = run(capsys, "example", "refused", *options)[1].split()[-1]
    code, said, _ = run(capsys, "rollout", "report", *tenant, *options)
    assert code == 0
    for name in ("DSP-9-2", "DSP-14-2", "unverified_request", event_id):
        assert name in said
    run(capsys, "rollout", "enforce", *tenant, *why, *options)
    before = said.splitlines()[-1].split()[1]
    run(capsys, "example", "refused", *options)
    after = run(capsys, "rollout", "report", *tenant, *options)[1].splitlines()[-1].split()[1]
    assert after == before
    code, _, told = run(capsys, "rollout", "observe", *tenant, *duties[:-1], "0", *why, *options)
    assert (code, "1 to 100" in told) == (1, True)
