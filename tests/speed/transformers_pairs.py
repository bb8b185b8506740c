"""How fast transformers scores pairs: sorted lengths, batches of at most 4,096 tokens with their padding, the second of two runs.

    python transformers_pairs.py FOLDER PAIRS.jsonl [bfloat16|float32]        # torch 2.15.0, transformers 5.23.0

A line of JSON, with the names of `tiebreak score --json`: compare with `tiebreak score PAIRS.jsonl --model FOLDER --dtype q8_0 --json --output x`.
"""

import json
import sys
import time

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

BUDGET = 4096


def main(folder, pairs, dtype="bfloat16"):
    tok = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    texts = []
    for line in open(pairs):
        row = json.loads(line)
        for side in ("chosen", "rejected"):
            reply = row[side] if isinstance(row[side], list) else [{"role": "assistant", "content": row[side]}]
            texts.append(tok.apply_chat_template(row["messages"] + reply, tokenize=False))
    rows = sorted((tok(text, add_special_tokens=False)["input_ids"] for text in texts), key=len)
    batches = [[]]
    for row in rows:
        if batches[-1] and (len(batches[-1]) + 1) * len(row) > BUDGET:
            batches.append([])
        batches[-1].append(row)

    def run():
        start = time.perf_counter()
        with torch.inference_mode():
            for batch in batches:
                longest = max(map(len, batch))
                ids = torch.tensor([row + [tok.pad_token_id] * (longest - len(row)) for row in batch])
                mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in batch])
                model(input_ids=ids, attention_mask=mask)
        return time.perf_counter() - start

    run()
    seconds = run()
    print(json.dumps({"pairs_per_s": len(texts) / 2 / seconds, "tokens_per_s": sum(map(len, rows)) / seconds, "seconds": seconds,
                      "dtype": dtype, "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
