"""On CI a skipped test is a failure, unless its reason is on the list `tests/allowed_skips.txt`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

LIST = Path(__file__).parents[1] / "allowed_skips.txt"
VARIABLE = "UEGR_CI"
"""Set by .ci/run; without it nothing is checked."""


class SkipCheck:
    """A pytest plugin that fails the run if a test is skipped for a reason that is not allowed.

    Args:
        allowed: texts; a reason that contains one of them is allowed.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = list(allowed)
        self.refused: dict[str, str] = {}
        """Test -> reason of its skip."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not hasattr(report, "wasxfail"):
            self._check(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._check(report)

    def _check(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped:
            reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
            if not any(text in reason for text in self.allowed):
                self.refused[report.nodeid] = reason

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.refused and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for test, reason in self.refused.items():
            terminalreporter.write_line(
                f"{test} was skipped on CI ({reason.removeprefix('Skipped: ')}): install what it needs, or add its "
                f"reason to {LIST.name}.",
                red=True,
            )


def read_allowed(path: Path = LIST) -> list[str]:
    """The texts of a list: what stands before " | " in each line; what follows says why the skip is allowed."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split(" | ")[0] for line in lines if line and not line.startswith("#")]
