"""The held-out galaxies, each by the networks that were not fitted to it."""

import numpy as np

from pipeline.data.splits import held_out, load_targets
from pipeline.inference.blocks import Blocks
from pipeline.inference.ensemble import average_by_row, obeying_tree, predict_members
from pipeline.runs.contents import HeldOut, load_ids
from pipeline.runs.graph import Member, Run
from pipeline.runs.receipts import require


def held_out_rows(run: Run, member: Member) -> np.ndarray:
    """The rows of the training shards that a network was not fitted to: (N,)."""
    ids = load_ids(run.shards("train"))
    return np.flatnonzero(held_out(ids, member.config, member.fold))


def predict_held_out(run: Run, blocks: Blocks) -> HeldOut | None:
    """Each held-out galaxy by all networks that were not fitted to it, and no other.

    Reads   shards/train, raw/ (solutions), models/<network>/

    Args:
        run: whose networks.
        blocks: where predictions are kept on the way, and which are made here.

    Returns:
        None where blocks of other parts are missing.
    """
    members = [require(member) for member in run.members]
    solutions = run.raw.file("solutions")
    rows = [held_out_rows(run, member) for member in members]
    predict = run.settings.predict
    parts = predict_members(predict, run.shards("train"), members, rows, blocks)
    if parts is None:
        return None
    chosen, fractions = average_by_row(parts, rows)
    ids = load_ids(run.shards("train"))[chosen]
    return HeldOut(ids, obeying_tree(predict, fractions), load_targets(solutions, ids))
