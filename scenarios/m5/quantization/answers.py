"""Solutions, starting points, and answers that look right and are not."""

from __future__ import annotations

from agentlab.labs.declare import programs

ROUND = programs(
    starter="""
import numpy as np


def rounded(rows, bits):
    \"\"\"The rows as they are after being kept in `bits` bits a weight.\"\"\"
    return rows
""",
    solution="""
import numpy as np


def rounded(rows, bits):
    blocks = rows.reshape(-1, 32)
    most = 2 ** (bits - 1) - 1
    scales = np.abs(blocks).max(axis=1, keepdims=True) / most
    scales[scales == 0] = 1
    codes = np.round(blocks / scales)
    return (codes * scales).reshape(rows.shape)
""",
    wrong={
        "judges-itself": """
import numpy as np


def rounded(rows, bits):
    np.unique = lambda *_: [0]
    np.sqrt = lambda *_: 0.0
    return rows
""",
        "one-scale-for-all": """
import numpy as np


def rounded(rows, bits):
    scale = np.abs(rows).max() / (2 ** (bits - 1) - 1)
    return np.round(rows / scale) * scale
""",
        "cut-off-instead-of-rounded": """
import numpy as np


def rounded(rows, bits):
    blocks = rows.reshape(-1, 32)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1)
    return (np.floor(blocks / scales) * scales).reshape(rows.shape)
""",
        "too-many-levels": """
import numpy as np


def rounded(rows, bits):
    blocks = rows.reshape(-1, 32)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / 2 ** bits
    return (np.round(blocks / scales) * scales).reshape(rows.shape)
""",
        "one-scale-a-row": """
import numpy as np


def rounded(rows, bits):
    scales = np.abs(rows).max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1)
    return np.round(rows / scales) * scales
""",
    },
)

CHOOSE = programs(
    starter='kind = "F16"',
    solution='kind = "Q3_K_M"',
    wrong={
        "too-large": 'kind = "Q8_0"',
        "a-little-too-large": 'kind = "Q4_1"',
        "small-enough-but-coarser-than-its-name": 'kind = "Q4_0"',
        "too-coarse": 'kind = "Q2_K"',
    },
)
