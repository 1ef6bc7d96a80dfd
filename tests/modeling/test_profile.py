"""Sections of a step are timed only where a profile listens."""

from __future__ import annotations

from uegr.modeling.profile import profile_section, profiled


def test_a_profile_holds_the_sections_that_ran_in_its_context() -> None:
    with profile_section("before"):
        pass
    with profiled() as clock, profile_section("during"):
        pass
    with profile_section("after"):
        pass
    assert set(clock) == {"during"}
    assert clock["during"] >= 0
