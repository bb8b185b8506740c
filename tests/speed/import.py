#!/usr/bin/env python3
"""Import and export of JSON lines beside the `datasets` library and pandas, in the same run: pairs per second and the most memory.

    pip install datasets pandas && cargo build --release && python tests/speed/import.py --tiebreak target/release/tiebreak --count 100000,1000000

Pairs have 1 kB. Each program reads the file from the page cache: it is read once before. What is compared: for us, every row checked,
hashed, looked for among duplicates and in a project on the disk; for `datasets`, rows in an Arrow file on the disk; for pandas, rows in memory.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = ("alpha river model reward question answer because however paper signal window train labels human prefer token score margin "
         "study result simple clear number system write light table garden music winter").split()


def make(path, count):
    """Pairs of about 1 kB, all different."""
    draw = random.Random(7)
    text = lambda words: " ".join(draw.choice(WORDS) + str(draw.randrange(1000)) for _ in range(words))
    with open(path, "w") as out:
        for n in range(count):
            out.write(json.dumps({"prompt": f"Question {n}: {text(20)}", "chosen": text(40), "rejected": text(40)}) + "\n")


def measure(command, **options):
    """Seconds and the most memory (MiB) of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command} failed: {said.decode()}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


DATASETS = """
import datasets, sys
datasets.disable_progress_bars()
rows = datasets.load_dataset("json", data_files=sys.argv[1], cache_dir=sys.argv[2])["train"]
assert len(rows) == int(sys.argv[3])
"""
DATASETS_OUT = DATASETS + "rows.to_json(sys.argv[4])\n"
PANDAS = """
import pandas, sys
rows = pandas.read_json(sys.argv[1], lines=True)
assert len(rows) == int(sys.argv[3])
"""
PANDAS_OUT = PANDAS + "rows.to_json(sys.argv[4], orient='records', lines=True)\n"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tiebreak", required=True, type=Path)
    options.add_argument("--count", default="100000")
    options.add_argument("--work", type=Path)
    options.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    given = options.parse_args()
    work = given.work or Path(tempfile.mkdtemp())
    work.mkdir(exist_ok=True)
    program = given.tiebreak.resolve()
    print("| pairs | what | tiebreak pairs/s | MiB | datasets pairs/s | MiB | pandas pairs/s | MiB |\n|--|--|--:|--:|--:|--:|--:|--:|")
    for count in map(int, given.count.split(",")):
        rows = work / f"pairs-{count}.jsonl"
        if not rows.exists():
            make(rows, count)
        # Not at once: what this process has held counts as its children's, too.
        with open(rows, "rb") as file:
            while file.read(1 << 20):
                pass
        project, out = work / "p.tiebreak", work / "out.jsonl"
        for old in work.glob("p.tiebreak*"):
            old.unlink()
        ours_in = measure([program, "import", project, rows])
        ours_out = measure([program, "export", project, "--labels", "reference", "--format", "trl", "--output", out])
        cells = {"import": [ours_in], "export": [ours_out]}
        if given.peers:
            for code_in, code_out in [(DATASETS, DATASETS_OUT), (PANDAS, PANDAS_OUT)]:
                # Starting the interpreter and its libraries is not counted.
                idle = min(measure([sys.executable, "-c", code_in.split("\n")[1]])[0] for _ in range(3))
                cache = work / "cache"
                arguments = [rows, cache, str(count), out]
                shutil.rmtree(cache, ignore_errors=True)
                read = measure([sys.executable, "-c", code_in, *arguments])
                shutil.rmtree(cache, ignore_errors=True)
                both = measure([sys.executable, "-c", code_out, *arguments])
                cells["import"].append((read[0] - idle, read[1]))
                cells["export"].append((max(both[0] - read[0], 1e-3), both[1]))
        for what, measured in cells.items():
            figures = " | ".join(f"{count / seconds:,.0f} | {memory:,.0f}" for seconds, memory in measured)
            print(f"| {count:,} | {what} | {figures} |", flush=True)


main()
