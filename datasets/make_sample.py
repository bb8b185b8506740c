#!/usr/bin/env python3
"""Makes datasets/sample/ by choosing lines of published files; no line is altered. The same input gives the same output.

Usage: make_sample.py --data DIR [--output DIR]
DIR holds the folders named in README.md (mt-bench-human, hh-rlhf-harmless-base-test, helpsteer2-sample, pairs).
Prompts were looked at by hand, and all texts searched for offensive words, before items were chosen.
"""

import argparse
import gzip
import json
import pathlib

# MT-bench questions: one pair of models each, the one with most human votes, or the one with the longest response.
MT_BENCH = [
    81, 82, 83, 84, 85, 87, 90, 95, 96, 97, 99, 100, 104, 105, 108, 111, 115,
    121, 122, 123, 124, 127, 132, 135, 137, 140, 142, 145, 148, 149, 150, 151, 153, 155, 159, 160,
]
MT_BENCH_LONGEST = {145, 153}

TULU1 = [
    "213.0", "217.0", "230.0", "206.0", "246.0", "13.0", "25.0", "248.0", "684.0", "34.0", "138.0", "430.0", "61.0",
    "1010.0",
]

# First eight characters of the chosen and of the rejected message's id.
OASST = [
    ("43e1f65f", "400d30c0"), ("6ecc7ef2", "9d5855ed"), ("3f660b9f", "a35b40a0"), ("9dd1066e", "ac0f0c0e"),
    ("07af5e26", "170d587d"), ("7c10e79b", "56fe6c97"), ("7486f233", "ab5f19fd"), ("eb727486", "e25bedfd"),
    ("9649ebb8", "912f17d2"), ("5bf56fd6", "01a37c1a"), ("1f83b359", "1c1bf9c4"), ("b4fcd8e9", "c7b9599a"),
    ("9699cd84", "6db23598"), ("b309c9fd", "2ffbf898"), ("3829d1af", "b61bd43f"), ("0da54cdc", "83ab90da"),
    ("8ec929c6", "77fb2479"), ("24e027d1", "4a7f68b2"),
]

# Line numbers, from 0.
HH = [37, 130, 1616, 1912, 2120, 2192]


def lines(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as file:
        return [line for line in file if line.strip()]


def rows(path):
    return [(line, json.loads(line)) for line in lines(path)]


def pair(row):
    return row["question_id"], row["model_a"], row["model_b"]


def responses(row):
    return [row["conversation_a"][1:], row["conversation_b"][1:]]


def longest(row):
    return max(sum(len(turn["content"]) for turn in response) for response in responses(row))


def complete(row):
    return all(turn["content"].strip() for response in responses(row) for turn in response)


def mt_bench(data):
    folder = data / "mt-bench-human"
    conversations = rows(folder / "conversations.jsonl.gz")
    human = rows(folder / "human_votes.jsonl.gz")
    gpt4 = rows(folder / "gpt4_votes.jsonl.gz")
    votes = {}
    for _, vote in human:
        votes[pair(vote)] = votes.get(pair(vote), 0) + 1
    chosen = set()
    for question in MT_BENCH:
        candidates = [row for _, row in conversations if row["question_id"] == question and complete(row)]
        weight = longest if question in MT_BENCH_LONGEST else lambda row: votes.get(pair(row), 0)
        chosen.add(pair(max(candidates, key=weight)))
    return {
        "mt-bench/conversations.jsonl": [line for line, row in conversations if pair(row) in chosen],
        "mt-bench/human_votes.jsonl": [line for line, row in human if pair(row) in chosen],
        "mt-bench/gpt4_votes.jsonl": [line for line, row in gpt4 if pair(row) in chosen],
    }


def by_id(path, wanted, key):
    found = {}
    for line, row in rows(path):
        found.setdefault(key(row["id"]), line)
    missing = [name for name in wanted if name not in found]
    if missing:
        raise SystemExit(f"{path}: no rows {missing}")
    return [found[name] for name in wanted]


def oasst_key(name):
    parts = name.removeprefix("oasst-100/").split("-")
    return parts[0], parts[5]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=pathlib.Path, required=True)
    arguments.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent / "sample")
    arguments = arguments.parse_args()
    data = arguments.data

    files = mt_bench(data)
    files["tulu1.jsonl"] = by_id(data / "pairs/tulu1-human.jsonl.gz", TULU1, lambda name: name.removeprefix("tulu1-human/"))
    files["oasst.jsonl"] = by_id(data / "pairs/oasst-100.jsonl.gz", OASST, oasst_key)
    files["helpsteer2.jsonl"] = lines(data / "helpsteer2-sample/validation_first8.jsonl")
    hh = lines(data / "hh-rlhf-harmless-base-test/test.jsonl.gz")
    files["hh-rlhf.jsonl"] = [hh[number] for number in HH]

    for name, content in files.items():
        path = arguments.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(line if line.endswith("\n") else line + "\n" for line in content)
        print(f"{name}: {len(content)} rows, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
