"""Scoring speed beside what people use today, in one run on one machine: writes the table `RESULTS.md` beside this file.

    cargo build --release && python run.py --pairs hh-harmless-test.jsonl.gz --work FOLDER [--count 100] [--shapes 135m,0.6b]

PAIRS has lines {"messages": [turns before], "chosen": text or turns, "rejected": likewise}; of them every n-th with one user turn and every
n-th with more are taken; a shape may be a folder with a model. FOLDER keeps the models and llama.cpp (`npm install node-llama-cpp`). Every program runs alone, one after the
other, `--rounds` times in turn; the best of each counts. torch 2.15.0, transformers 5.23.0, gguf 0.19.0, node-llama-cpp 3.22.1.
"""

import argparse
import gzip
import json
import os
import platform
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
LLAMA = "node-llama-cpp@3.22.1"


def run(*command, cwd=None):
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def pairs(path, work, count):
    """Files of single-turn and multi-turn pairs."""
    opened = gzip.open(path, "rt") if str(path).endswith(".gz") else open(path)
    rows = [json.loads(line) for line in opened]
    turns = lambda row: sum(m["role"] == "user" for m in row["messages"])
    files = {}
    for name, of in (("multi-turn", [r for r in rows if turns(r) > 1]), ("single-turn", [r for r in rows if turns(r) == 1])):
        some = of[:: max(1, len(of) // count)][:count]
        files[name] = work / f"{name}.jsonl"
        files[name].write_text("".join(json.dumps(r) + "\n" for r in some))
    return files


def tokens(folder, file, out):
    from transformers import AutoTokenizer
    tok = AutoTokenizer.from_pretrained(folder)
    rows = []
    for line in open(file):
        row = json.loads(line)
        for side in ("chosen", "rejected"):
            reply = row[side] if isinstance(row[side], list) else [{"role": "assistant", "content": row[side]}]
            text = tok.apply_chat_template(row["messages"] + reply, tokenize=False)
            rows.append(tok(text, add_special_tokens=False)["input_ids"])
    out.write_text(json.dumps(rows))
    return out


def machine():
    facts = platform.processor() or platform.machine()
    for line in open("/proc/cpuinfo") if os.path.exists("/proc/cpuinfo") else []:
        if line.startswith("model name"):
            facts = line.split(":", 1)[1].strip()
    return f"{facts}, {os.cpu_count()} cores"


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--pairs", required=True, type=Path)
    ask.add_argument("--work", required=True, type=Path)
    ask.add_argument("--count", default="100", help="of each kind; by shape, with commas")
    ask.add_argument("--shapes", default="135m,0.6b")
    ask.add_argument("--rounds", type=int, default=2)
    ask.add_argument("--tiebreak", type=Path, default=HERE.parents[1] / "target/release/tiebreak")
    ask.add_argument("--trained", type=Path, help="a folder to take for the 135m shape in place of random weights")
    ask.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    ask.add_argument("--programs", default="transformers,llama.cpp,tiebreak")
    args = ask.parse_args()
    wanted = args.programs.split(",")
    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    shapes = args.shapes.split(",")
    counts = [int(n) for n in args.count.split(",")]
    counts += counts[-1:] * len(shapes)
    if "llama.cpp" in wanted and not (work / "node_modules/node-llama-cpp").exists():
        run("npm", "install", "--ignore-scripts", LLAMA, cwd=work)
    (work / "llama_cpp_pairs.mjs").write_text((HERE / "llama_cpp_pairs.mjs").read_text())
    lines, said = [], {}
    for shape, count in zip(shapes, counts):
        files = pairs(args.pairs, work, count)
        folder = args.trained.resolve() if args.trained and shape == "135m" else work / shape
        if "/" in shape:
            folder, shape = Path(shape).resolve(), Path(shape).name
        if not folder.exists():
            run(sys.executable, HERE / "make_shape.py", shape, folder)
        gguf = work / f"{shape}.gguf"
        ids = {}
        if "llama.cpp" in wanted:
            if not gguf.exists():
                run(sys.executable, HERE / "make_gguf.py", folder, gguf)
            ids = {name: tokens(folder, file, work / f"{name}-{shape}.json") for name, file in files.items()}

        def tiebreak(dtype):
            return lambda name: json.loads(run(args.tiebreak, "score", files[name], "--model", folder, "--dtype", dtype, "--device", "cpu",
                                               "--json", "--output", work / "scores.jsonl"))

        def transformers(dtype):
            return lambda name: json.loads(run(sys.executable, HERE / "transformers_pairs.py", folder, files[name], dtype).splitlines()[-1])

        programs = {
            "transformers f32": transformers("float32"), "transformers bf16": transformers("bfloat16"),
            "llama.cpp q8_0": lambda name: json.loads(run("node", "llama_cpp_pairs.mjs", gguf, ids[name], cwd=work).splitlines()[-1]),
            "tiebreak f32": tiebreak("f32"), "tiebreak bf16": tiebreak("bf16"), "tiebreak q8_0": tiebreak("q8_0"), "tiebreak auto": tiebreak("auto"),
        }
        programs = {name: measure for name, measure in programs.items() if name.split()[0] in wanted}
        for name in files:
            best = {}
            for _ in range(args.rounds):
                for program, measure in programs.items():
                    found = measure(name)
                    said[program] = f"{found['dtype']}" + (f", {found['version']}" if "version" in found else "")
                    if found["pairs_per_s"] > best.get(program, {"pairs_per_s": 0})["pairs_per_s"]:
                        best[program] = found
                    print(shape, name, program, round(found["pairs_per_s"], 2), file=sys.stderr, flush=True)
            others = [found["pairs_per_s"] for program, found in best.items() if program.startswith("transformers")]
            base = max(others, default=float("nan"))
            for program, found in best.items():
                rate = found["pairs_per_s"]
                lines.append(f"| {shape} | {count} {name} | {program} | {said[program]} | {rate:.2f} | {found['tokens_per_s']:.0f} | {rate / base:.2f} |")
    about = run(args.tiebreak, "--version").strip()
    versions = [about] + [f"{name} {version(name)}" for name in ("transformers", "torch") if "transformers" in wanted]
    versions += [LLAMA] if "llama.cpp" in wanted else []
    args.out.write_text("\n".join([
        "# Scoring speed", "",
        f"{date.today()}, {machine()}, {platform.system()}. {', '.join(versions)}.",
        f"Pairs of `{args.pairs.name}`; the best of {args.rounds} rounds. transformers: sorted lengths, batches of 4,096 tokens.",
        "`x` is against transformers at its best dtype. Tokens are those of the texts, shared beginnings counted as often as they occur.", "",
        "| shape | pairs | program | computed in | pairs/s | tokens/s | x |", "|--|--|--|--|--:|--:|--:|", *lines, ""]))


if __name__ == "__main__":
    main()
