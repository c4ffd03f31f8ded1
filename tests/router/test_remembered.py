"""`Remembered`: a ranking is good for a twentieth of a second, and not past the first news."""

from paceline.router.remembered import KEPT_S, MOST_KEPT, Pulse, Remembered


def kept() -> tuple[Remembered[str, int], Pulse]:
    remembered, pulse = Remembered[str, int](), Pulse()
    remembered.keep("asked", 7, pulse, 1.0)
    return remembered, pulse


def test_what_was_asked_a_moment_ago_is_still_known() -> None:
    remembered, pulse = kept()

    assert remembered.get("asked", pulse, 1.0) == 7
    assert remembered.get("asked", pulse, 1.0 + KEPT_S / 2) == 7


def test_it_is_forgotten_after_its_time() -> None:
    remembered, pulse = kept()

    assert remembered.get("asked", pulse, 1.0 + KEPT_S) is None


def test_it_is_forgotten_when_something_has_happened() -> None:
    remembered, pulse = kept()

    pulse.beats += 1

    assert remembered.get("asked", pulse, 1.0) is None


def test_another_question_has_another_answer() -> None:
    remembered, pulse = kept()

    assert remembered.get("other", pulse, 1.0) is None


def test_it_never_holds_more_than_so_many() -> None:
    remembered, pulse = kept()

    for number in range(3 * MOST_KEPT):
        remembered.keep(str(number), number, pulse, 1.0)
        assert remembered.get(str(number), pulse, 1.0) == number

    assert remembered.get("asked", pulse, 1.0) is None
    assert len(remembered._kept) <= MOST_KEPT
