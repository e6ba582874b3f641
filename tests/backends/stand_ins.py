"""Libraries that break on purpose: the real llama.cpp behind a thin one that spoils one call.

The bindings look a function up in the library they load, then in those it needs; so what the thin
one defines hides the real one, and everything else is the real thing.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import llama_cpp

REAL = Path(llama_cpp.__file__).parent / "lib"

DECODE = "struct batch {{ char bytes[56]; }}; int llama_decode(void *c, struct batch b) {{ {} }}"

SOURCES = {
    # what a processor does with an instruction that it has not
    "illegal": DECODE.format("__builtin_trap(); return 0;"),
    "crash": DECODE.format("*(volatile int *)0 = 1; return 0;"),
    "hang": DECODE.format("for (;;) pause(); return 0;"),
    # logits that are right but for one in eight rows, as with one wrong tile
    "wrong": """
        float *llama_get_logits_ith(void *context, int i) {
            static float spoilt[65536];
            float *(*real)(void *, int) = dlsym(RTLD_NEXT, "llama_get_logits_ith");
            float *row = real(context, i);
            int count = llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(context)));
            for (int n = 0; n < count; n++) spoilt[n] = n / 16 % 8 ? row[n] : 0;
            return spoilt;
        }""",
    "nan": """
        float *llama_get_logits_ith(void *context, int i) {
            float *(*real)(void *, int) = dlsym(RTLD_NEXT, "llama_get_logits_ith");
            float *row = real(context, i);
            row[0] = 0.0f / 0.0f;
            return row;
        }""",
    "aborts": "__attribute__((constructor)) static void begin(void) { abort(); }",
}
_HEAD = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
int llama_vocab_n_tokens(const void *);
const void *llama_model_get_vocab(const void *), *llama_get_model(const void *);
"""


def stand_in(folder: Path, name: str) -> Path:
    """A folder for LLAMA_CPP_LIB_PATH whose library does this; `missing` has no function at all."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{name}.c"
    source.write_text(_HEAD + SOURCES.get(name, ""))
    command = ["cc", "-shared", "-fPIC", "-O1", "-w", "-o", folder / "libllama.so", source]
    if name != "missing":
        real = sorted(REAL.glob("libllama.so.?"))[0].name  # the name it is needed under
        command += ["-Wl,--no-as-needed", f"-L{REAL}", f"-l:{real}", f"-Wl,-rpath,{REAL}"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def healthy(folder: Path) -> Path:
    """A copy of the real library, in another place."""
    shutil.copytree(REAL, folder, symlinks=True)
    return folder
