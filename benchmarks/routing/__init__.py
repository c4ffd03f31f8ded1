"""Is it smart? Paceline, what others do, and two oracles, under the same traffic, in virtual time.

    python -m benchmarks.routing [--quick] [--data FOLDER] [--json FILE]

**What is played.** Calls arrive, and are as long, as in the Azure conversation trace; each seed takes another part of
it. They go to fleets of 3, 10 and 30 endpoints, whose speeds are those of the cells of the LLMPerf leaderboard, as far
away as Azure's regions are from one another. An endpoint grows slower with what it has under way, as vLLM does, and
beyond its seats calls queue. A long prompt takes longer to read. One call in two hundred takes seconds, for no reason.
Every endpoint drifts by itself. Then something goes wrong (`troubles`).

**What is compared.** `rules` are those of LiteLLM, Finagle, Prequal and others, each with the retries and the ejection
that its product has (`peer`). `contestants` names them, ours, and two `oracles`: one knows every distribution and every
queue at this instant, the other what each call would meet everywhere.

**What makes it fair.** All play through the same router, are timed by the same code, and are told nothing beforehand:
no slots, no profiles. Chance is common: the same call meets the same fate at the same endpoint, whoever sends it there.
A call that is not answered counts as one that took all its budget. Nothing here is read by what is tested.

What no source has, and is assumed: a third of the first token's time at 550 tokens is reading the prompt; a drift lasts
two minutes; seats and prices (`fleets`); that a call which is cut off frees its seat at once, as in vLLM, but is billed
in full.
"""
