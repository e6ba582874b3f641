"""m3/first-call: one conversation, over each of the three protocols that models are asked by."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.declare import Answers, Drawn, code_step, quiz, right, wrong

from .answers import CHAT, CHAT_WRONG, MESSAGES, MESSAGES_WRONG, RESPONSES, RESPONSES_WRONG, starter
from .cases import conversations
from .judging import checks
from .line import line, line_for
from .protocols import PATHS

lab = Lab(
    id="m3/first-call",
    title="A first call, three ways",
    teaches=(
        "what is really sent when a model is asked",
        "the three protocols that nearly every model can be asked by",
        "that a conversation is sent whole, every time, and what that costs",
    ),
    minutes=25,
    tools=(
        line_for("chat", "Chat Completions"),
        line_for("responses", "Responses"),
        line_for("messages", "Messages"),
    ),
    equip=line,
    steps=(
        ReadStep(id="what-is-sent"),
        code_step(
            "chat-completions",
            Answers(starter=starter(PATHS["chat"]), solution=CHAT, wrong=CHAT_WRONG),
            Drawn(conversations, practice=2, graded=3),
            runs_on="chat",
            hints=(
                "Read the reason of the first check: it has the service's own words.",
                "The key goes into the headers: authorization, with Bearer before it. The "
                "instructions are the first of the messages, and the role is system.",
                "The bound is max_completion_tokens. The text is in choices, its first message; "
                "the counts are prompt_tokens and completion_tokens in usage.",
            ),
            checks=checks("chat"),
        ),
        code_step(
            "responses",
            Answers(starter=starter(PATHS["responses"]), solution=RESPONSES, wrong=RESPONSES_WRONG),
            Drawn(conversations, practice=2, graded=3),
            runs_on="responses",
            hints=(
                "Start from your program of the last step, and change the names.",
                "instructions and input are fields of their own. Every turn in input is an item "
                "with a type: message.",
                "Go through output, and take the text of every output_text in every message.",
            ),
            checks=checks("responses"),
        ),
        code_step(
            "messages",
            Answers(starter=starter(PATHS["messages"]), solution=MESSAGES, wrong=MESSAGES_WRONG),
            Drawn(conversations, practice=2, graded=3),
            runs_on="messages",
            hints=(
                "Two headers: x-api-key, and anthropic-version with the value 2023-06-01.",
                "The instructions are the field system; messages holds only what the two said.",
                "If input_tokens looks too small: what came from the cache is counted apart, in "
                "cache_read_input_tokens and cache_creation_input_tokens.",
            ),
            checks=checks("messages"),
        ),
        quiz(
            "what-differs",
            "What differs?",
            "You ask the same model the same thing over all three. Which of these hold?",
            right(
                "The model reads the same text each time; only the envelope differs.",
                "The server puts every conversation into the model's own template; compare "
                "the token counts of your three programs.",
            ),
            wrong(
                "After the first request, the service remembers what was said before.",
                "Your program sent every turn, every time. What a service caches makes that "
                "cheaper; it does not replace it.",
            ),
            right(
                "In Messages, input_tokens leaves out what was read from a cache.",
                "There the three counts add up; in the other two the cached tokens are part "
                "of the total.",
            ),
            wrong(
                "In Chat Completions, instructions can only be sent in the first request.",
                "They are a turn like any other, sent with all the rest, every time.",
            ),
            hints=(
                "Look at the three requests in their traces: agentlab show last.",
                "Two of them hold.",
            ),
        ),
    ),
)
