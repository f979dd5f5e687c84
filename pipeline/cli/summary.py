"""What a run ends with: what was made, what score to expect, and what to type next."""

from collections.abc import Iterator, Sequence

from pipeline.commands.score import Verdict
from pipeline.errors import remedy, typed
from pipeline.output import counted, duration
from pipeline.runs.graph import Run


def summary(
    run: Run, stages: Sequence[str], seconds: float, demo: Verdict | None = None
) -> Iterator[str]:
    """The lines, each with its subject first.

    Args:
        run: whose stages have just been run.
        stages: their names.
        seconds: how long they took.
        demo: the score of a submission for the demo sky.
    """
    result = run.predictions.result
    networks = counted(len(run.members), "network")
    views = counted(run.settings.predict.num_views, "view")
    yield (
        f"made      {networks}; {views} of each of {result['num_images']:,} test "
        f"galaxies; {duration(seconds)}"
    )
    yield f"expected  {expected(result)}"
    if demo:
        yield (
            f"scored    RMSE {demo.rmse:.4f} ± {demo.standard_error:.4f} on the "
            f"{demo.num_galaxies:,} galaxies of the demo sky; the {demo.benchmark} "
            f"have {demo.baseline_rmse:.4f}"
        )
    if run.plan:
        yield f'repeat    "./run.sh all {repeating(run)}" without a limit of time'
    if "export" in stages:
        yield from whereto(run)


def expected(result: dict[str, float]) -> str:
    """The score to expect, and how sure that is."""
    if "expected_rmse" not in result:
        return "not known: the averaged runs held out too few galaxies together"
    return (
        "RMSE {expected_rmse:.4f} ± {expected_standard_error:.4f} on the test set, by "
        "{num_validation} validation galaxies (effective sample size "
        "{num_effective:.0f}), which have {validation_rmse:.4f} ± "
        "{validation_standard_error:.4f}".format(**result)
    )


def repeating(run: Run) -> str:
    """The settings that give the result of a run with a plan."""
    settings: dict[str, int | str] = {
        "minutes": 0,
        "predict.num_rotations": run.settings.predict.num_rotations,
        "predict.num_zooms": run.settings.predict.num_zooms,
    }
    for section, kind in run.settings.kinds.items():
        settings[f"{section}.epochs"] = kind.epochs
        settings[f"{section}.num_seeds"] = kind.num_seeds
        own = [item for item in run.members if item.section == section]
        shortened = "/".join(member.result["shortened"] for member in own)
        if shortened.strip("/"):
            settings[f"{section}.shortened"] = shortened
    if run.asked and len(run.asked.kinds) > len(run.settings.kinds):
        settings["partner.num_seeds"] = 0
    words = (f"--set {key}={value}" for key, value in settings.items())
    return " ".join([f"--work {typed(str(run.work.root))}", *words])


def whereto(run: Run) -> Iterator[str]:
    """Where the report is, and what to type next."""
    if run.report.is_done and run.work.page.is_file():
        yield f"report    {run.work.page}"
    if run.settings.source == "demo":
        yield 'next      "./run.sh doctor --source kaggle", for the real galaxies'
    else:
        yield f"next      {remedy('upload', run.work.root)}"
