"""Messages of GenerationService to plain values of the engine, and back."""

from fashquick_generation.messages.answers import Answer, finished_turntable, finished_view
from fashquick_generation.messages.create import checked_passports, read_job
from fashquick_generation.messages.repair import checked_prior, read_repair

__all__ = [
    "Answer",
    "checked_passports",
    "checked_prior",
    "finished_turntable",
    "finished_view",
    "read_job",
    "read_repair",
]
