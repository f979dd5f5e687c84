"""Pictures of one's own through the finished networks: a table of their classes."""

import argparse
from typing import Any

from pipeline.catalogues.listing import Columns
from pipeline.files import expanded
from pipeline.output import counted
from pipeline.parts import part_of
from pipeline.runs.resolve import Resolved

EXAMPLE = "./run.sh predict-images pictures/ --work work/demo --out classes.csv"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="a folder or zip of JPEG, PNG or .npy; or a CSV or Parquet of paths, ids",
    )
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="a .csv or .parquet to write"
    )
    parser.add_argument(
        "--features", action="store_true", help="write the network's features, too"
    )
    parser.add_argument("--path-column", metavar="NAME", help="of a table of pictures")
    parser.add_argument("--id-column", metavar="NAME", help="of a table of pictures")
    share = parser.add_mutually_exclusive_group()
    share.add_argument(
        "--part",
        type=part_of,
        metavar="I/N",
        help="one of N parts alone, without a table",
    )
    share.add_argument(
        "--join", action="store_true", help="the table alone, from parts that are done"
    )


def gather(resolved: Resolved, options: argparse.Namespace) -> dict[str, Any]:
    from pipeline.catalogues.catalogue import Wanted, predict_catalogue, predict_part

    wanted = Wanted(
        what=expanded(options.what),
        out=expanded(options.out),
        columns=Columns(options.path_column, options.id_column),
        features=options.features,
    )
    if options.part:
        return predict_part(resolved.run, wanted, options.part)
    return predict_catalogue(resolved.run, wanted, options.join)


def describe(facts: dict[str, Any]) -> str:
    if "part" in facts:
        left = counted(facts["missing"], "chunk")
        return f"part {facts['part']} is done; of {facts['chunks']}, {left} missing"
    about = (
        f"{counted(facts['rows'], 'galaxy')}, {facts['unreadable']} unreadable, "
        f"{facts['unlike']} unlike the training set"
    )
    return "\n".join(
        filter(None, (about, facts["features"], facts["page"], facts["table"]))
    )
