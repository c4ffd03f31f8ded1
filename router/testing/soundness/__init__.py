"""Whether a policy keeps what every policy has to keep, tried out scene by scene.

    from paceline.router.testing import assert_policy_sound

    def test_my_policy_is_sound() -> None:
        assert_policy_sound(MyPolicy)

`invariant` says what is asked of a policy, and how one that breaks it is mended. `scenes` is what it is put through,
`stage` plays a scene, and `observers` watch what goes into the policy and what comes out of it.
"""

from .invariant import Breach, Invariant, Unsound
from .scenes import SCENES, Place, Scene
from .sound import assert_policy_sound

__all__ = ["SCENES", "Breach", "Invariant", "Place", "Scene", "Unsound", "assert_policy_sound"]
