"""Evaluation: an agent asked many questions, scored, and compared with another.

task = data_task("sums", read_samples(path), answer, backend, runs)
results = await Evaluation(task, (scorer("numeric"),), runs, "sums-1", epochs=3).run()
report(results).scores["numeric"]        # a mean, and an interval around it
"""

from agentlab.evaluate.dataset import Sample, read_samples
from agentlab.evaluate.evaluation import Ask, Evaluation, Interview
from agentlab.evaluate.judge import model_judge
from agentlab.evaluate.plan import Plan
from agentlab.evaluate.report import Report, compare, report
from agentlab.evaluate.scorers import Aids, Scorer, scorer
from agentlab.evaluate.statistics import Comparison, Interval, mean_interval, paired
from agentlab.evaluate.task import Task, data_task, lab_task

__all__ = [
    "Aids",
    "Ask",
    "Comparison",
    "Evaluation",
    "Interval",
    "Interview",
    "Plan",
    "Report",
    "Sample",
    "Scorer",
    "Task",
    "compare",
    "data_task",
    "lab_task",
    "mean_interval",
    "model_judge",
    "paired",
    "read_samples",
    "report",
    "scorer",
]
