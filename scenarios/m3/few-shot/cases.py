"""Messages that name a day and a time, and reviews, drawn afresh from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agentlab.labs import Case

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS = ("9 am", "10 am", "11 am", "2 pm", "3 pm", "5 pm", "6 pm")
_BEFORE = (
    "I hope you had a good weekend.",
    "Thank you so much for your kind letter.",
    "I am sorry that I did not write sooner.",
    "I hope that you and your family are well.",
)
_AFTER = (
    "Say hello to your family from me.",
    "I look forward to seeing you soon.",
    "Tell me if you have any questions.",
    "Please excuse the short notice.",
)
_NEWS = (
    "The budget meeting has been moved to {when}.",
    "The plumber will come on {when} to repair the boiler.",
    "I would like to invite you to lunch on {when}.",
    "You can collect your bicycle from our shop on {when}.",
    "The school concert is on {when}.",
    "Your appointment with the dentist is on {when}.",
    "My train arrives on {when}.",
    "The parcel with the new lamp will be delivered on {when}.",
    "The football match starts on {when}.",
    "The library opens again on {when}.",
    "I need the report on sales from you by {when}.",
    "The exam in chemistry is on {when}.",
)


def messages(rng: Random, count: int) -> Sequence[Case]:
    """Messages with one date; `expect` is how it shall be written, e.g. `Friday 6 pm`."""
    cases: list[Case] = []
    for news in rng.sample(_NEWS, count):
        day, hour = rng.choice(_DAYS), rng.choice(_HOURS)
        told = news.format(when=f"{day} at {hour}")
        text = f"{rng.choice(_BEFORE)} {told} {rng.choice(_AFTER)}"
        cases.append(Case(text, f"{day} {hour}"))
    return cases


_THINGS = (
    *("film", "hotel", "phone", "book", "restaurant", "concert"),
    *("jacket", "game", "museum", "bicycle", "coffee", "teacher"),
)
_SAID = {
    "positive": (
        "I loved the {}.",
        "The {} was wonderful.",
        "What a great {}!",
        "The best {} in years.",
        "The {} made me happy.",
        "I can recommend the {} to everyone.",
        "An excellent {}, worth every penny.",
        "The {} was a delight from start to end.",
    ),
    "negative": (
        "I hated the {}.",
        "The {} was terrible.",
        "What a bad {}!",
        "The worst {} in years.",
        "The {} made me angry.",
        "I can warn everyone of the {}.",
        "An awful {}, a waste of money.",
        "The {} was a disappointment from start to end.",
    ),
}


def reviews(rng: Random, count: int) -> Sequence[Case]:
    """Short reviews, as many of each kind; `expect` is `positive` or `negative`."""
    cases: list[Case] = []
    for n in range(count):
        label = ("positive", "negative")[n % 2]
        cases.append(Case(rng.choice(_SAID[label]).format(rng.choice(_THINGS)), label))
    rng.shuffle(cases)
    return cases
