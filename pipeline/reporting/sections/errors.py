"""Which answers are hard, and which are no better than the baseline."""

from typing import Any

import numpy as np

from pipeline.data.tree import COLUMNS, NUM_ANSWERS, QUESTIONS, Question, answer_slice
from pipeline.reporting.plot_files import Numbers, PlotFiles
from pipeline.reporting.plots.errors import answer_errors, question_errors
from pipeline.reporting.statistics import Judged, judge, num_asked
from pipeline.reporting.words import answer_text
from pipeline.runs.contents import HeldOut


def errors(plots: PlotFiles, data: HeldOut, means: np.ndarray) -> dict[str, Any]:
    """RMSE of each question and answer beside the baseline's, the means (37,)."""
    parts = data.fractions, np.tile(means, (len(data.ids), 1)), data.targets
    questions = {
        question.number: judge(*parts, answer_slice(question)) for question in QUESTIONS
    }
    answers = [
        judge(*parts, slice(column, column + 1)) for column in range(NUM_ANSWERS)
    ]
    asked = num_asked(data.targets)
    return {
        "hardest": hardest_question(questions),
        "num_galaxies": len(data.ids),
        "num_worse": sum(not item.is_better for item in answers),
        "table": error_table(questions, answers, asked),
        **draw(plots, questions, answers, asked),
    }


def hardest_question(judged: dict[int, Judged]) -> Question:
    return max(QUESTIONS, key=lambda question: judged[question.number].ours.rmse)


def draw(
    plots: PlotFiles,
    questions: dict[int, Judged],
    answers: list[Judged],
    asked: dict[int, int],
) -> dict[str, Any]:
    hardest = hardest_question(questions)
    worst = max(range(NUM_ANSWERS), key=lambda column: answers[column].ours.rmse)
    notes = {number: f"  ({count})" for number, count in asked.items()}
    judged = questions[hardest.number]
    return {
        "questions": plots.keep(
            "questions",
            question_errors(questions, notes),
            f"Bars: RMSE of each question. The largest is {judged.ours.rmse:.3f}, for "
            f"“{hardest.text}”; the baseline has {judged.baseline:.3f} there.",
            {"question": [q.text for q in QUESTIONS]}
            | {"galaxies_asked": [asked[q.number] for q in QUESTIONS]}
            | columns_of([questions[q.number] for q in QUESTIONS]),
        ),
        "answers": plots.keep(
            "answers",
            answer_errors(answers, notes),
            "Bars: RMSE of each of the 37 answers. The largest is "
            f"{answers[worst].ours.rmse:.3f}, for {COLUMNS[worst]}, "
            f"{answer_text(worst)}.",
            {"answer": COLUMNS} | columns_of(answers),
        ),
    }


def columns_of(judged: list[Judged]) -> Numbers:
    return {
        "rmse": [item.ours.rmse for item in judged],
        "standard_error": [item.ours.standard_error for item in judged],
        "baseline_rmse": [item.baseline for item in judged],
        "better_than_baseline": [item.is_better for item in judged],
    }


def error_table(
    questions: dict[int, Judged], answers: list[Judged], asked: dict[int, int]
) -> list[dict[str, Any]]:
    """Each question with its answers."""
    return [
        {
            "number": question.number,
            "text": question.text,
            "asked": asked[question.number],
            "judged": questions[question.number],
            "answers": [
                {"text": answer_text(column), "judged": answers[column]}
                for column in range(NUM_ANSWERS)[answer_slice(question)]
            ],
        }
        for question in QUESTIONS
    ]
