#!/usr/bin/env python3
"""Recipe of `tiebreak-mini.gguf`, the reward model embedded in Tiebreak.

One command makes everything that lies beside this file (the model card's prose aside):

    python train.py --data DIR --base SmolLM2-135M-Instruct.Q4_1.gguf --out OUT --work CACHE

DIR holds `pairs/*.jsonl.gz` and `not-for-training.sha256`. Each stage leaves its result in CACHE and is
skipped when that is there, so a run that was cut off goes on where it stopped (with other options: another CACHE).

Stages: cut the base (fewer layers, fewer merges) -> probe (a linear head on frozen features, L2 and depth
chosen on dev) -> tune (Bradley-Terry on all weights, with the quantisation in the forward pass) -> measure the
stored weights on dev and evaluation sets -> calibrate -> export -> parity fixture.
"""
from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import os
import random
import re
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

SEED = 20261122
# Pairs drawn from each training set. Arguments (ukp), short facts (truthfulqa), sums (gsm8k) and long passages
# (fgrlhf) are capped, so that answers to general requests dominate.
TRAIN_CAP = {
    "ultrafeedback-train": None, "autoj": None, "mtbench-human": None, "oasst-100": None, "pandalm": None,
    "tulu1-human": None, "dpo-en-demo": None, "fgrlhf-qa": 400, "gsm8k-solutions": 450, "truthfulqa": 500,
    "ukp-convarg1": 450,
}
DEV_CAP = {"ukp-convarg1": 500, "fgrlhf-qa": 250, "gsm8k-solutions": 300, "truthfulqa": 300}
EVAL_CAP = {"hh-harmless-test": 500}
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PAD, BOS, EOS = 0, 1, 2
# ChatML with no default system prompt and no newline after the last turn: the text ends in <|im_end|>, which is
# the token that is pooled. The padding token is <|endoftext|>, so "last token that is not padding" is that token too.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' }}"
    "{% if not loop.last or add_generation_prompt %}{{ '\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
LINEAR = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
QTYPE = gguf.GGMLQuantizationType
Weights = dict[str, torch.Tensor]


# ---------------------------------------------------------------- base: fewer layers, fewer merges

@dataclass
class Config:
    layers: int
    vocab: int
    hidden: int
    heads: int
    kv_heads: int
    ffn: int
    eps: float
    theta: float


def byte_alphabet() -> list[str]:
    """The 256 characters that stand for the bytes in a byte-level BPE (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {}, 0
    for b in range(256):
        table[b] = chr(b) if b in plain else chr(256 + extra)
        extra += b not in plain
    return [table[b] for b in range(256)]


def cut_vocabulary(tokens: list[str], merges: list[str], keep: int) -> tuple[list[str], list[str]]:
    """The special tokens, all bytes, and the first `keep` merges whose parts are kept. Merges go by rank, so this is
    the tokenizer that training would have given had it stopped early: exact on any text, only longer."""
    kept = [*SPECIAL, *byte_alphabet()]
    known, out = set(kept), []
    for merge in merges:
        left, right = merge.split(" ")
        if len(out) == keep:
            break
        if left in known and right in known:
            out.append(merge)
            if left + right not in known:
                known.add(left + right)
                kept.append(left + right)
    return kept, out


def tokenizer_json(tokens: list[str], merges: list[str]) -> str:
    """SmolLM2's own tokenizer.json (digits one by one, then byte level), with the cut vocabulary."""
    added = [dict(id=i, content=t, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
             for i, t in enumerate(SPECIAL)]
    level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
    model = dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                 fuse_unk=False, byte_fallback=False, ignore_merges=False,
                 vocab={t: i for i, t in enumerate(tokens)}, merges=merges)
    return json.dumps(dict(
        version="1.0", truncation=None, padding=None, added_tokens=added, normalizer=None,
        pre_tokenizer=dict(type="Sequence", pretokenizers=[dict(type="Digits", individual_digits=True), level]),
        post_processor=None, decoder=dict(level, add_prefix_space=True), model=model), ensure_ascii=False, separators=(",", ":"))


def permute(w: np.ndarray, heads: int, inverse: bool = False) -> np.ndarray:
    """Row order of q and k: transformers turns (i, i + d/2) together, llama.cpp's `llama` turns (2i, 2i + 1)."""
    shape = (heads, w.shape[0] // heads // 2, 2) if inverse else (heads, 2, w.shape[0] // heads // 2)
    return w.reshape(*shape, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def read_gguf(path: Path, layers: int | None = None) -> tuple[Weights, Config, dict]:
    """Weights in f32 and in transformers' row order."""
    reader = gguf.GGUFReader(path)
    meta = {k: f.contents() for k, f in reader.fields.items()}
    cfg = Config(layers or meta["llama.block_count"], 0, meta["llama.embedding_length"],
                 meta["llama.attention.head_count"], meta["llama.attention.head_count_kv"],
                 meta["llama.feed_forward_length"], meta["llama.attention.layer_norm_rms_epsilon"],
                 meta["llama.rope.freq_base"])
    w: Weights = {}
    for t in reader.tensors:
        block = re.match(r"blk\.(\d+)\.", t.name)
        if block and int(block[1]) >= cfg.layers:
            continue
        a = gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)
        if "attn_q." in t.name:
            a = permute(a, cfg.heads, inverse=True)
        if "attn_k." in t.name:
            a = permute(a, cfg.kv_heads, inverse=True)
        w[t.name] = torch.from_numpy(np.ascontiguousarray(a))
    cfg.vocab = w["token_embd.weight"].shape[0]
    return w, cfg, meta


def cut_base(path: Path, layers: int, merges: int) -> tuple[Weights, Config, list[str], list[str]]:
    w, cfg, meta = read_gguf(path, layers)
    old = {t: i for i, t in enumerate(meta["tokenizer.ggml.tokens"])}
    tokens, kept = cut_vocabulary(list(old), meta["tokenizer.ggml.merges"], merges)
    full = w["token_embd.weight"]
    # The base has no token for bytes that its corpus never showed: those get the mean of the other bytes.
    mean = full[[old[b] for b in byte_alphabet() if b in old]].mean(0)
    w["token_embd.weight"] = torch.stack([full[old[t]] if t in old else mean for t in tokens])
    w.pop("output.weight", None)
    cfg.vocab = len(tokens)
    return w, cfg, tokens, kept


# ---------------------------------------------------------------- the model

BITS = {"Q4_1": 15, "Q5_1": 31}


def quant_of(name: str, opts: argparse.Namespace) -> str:
    if name == "token_embd.weight":
        return opts.embd_quant
    if any(f".{x}." in name for x in LINEAR):
        return opts.attn_quant if "attn" in name else opts.ffn_quant
    return "F32"


def round_trip(w: torch.Tensor, kind: str) -> torch.Tensor:
    """What `w` reads as once stored as `kind`."""
    if kind == "F32":
        return w
    b = w.reshape(-1, 32)
    if kind == "Q8_0":
        d = b.abs().amax(1, keepdim=True) / 127
        q = torch.round(b / d.clamp_min(1e-30))
        return (q * d.half().float()).reshape(w.shape)
    low, high = b.amin(1, keepdim=True), b.amax(1, keepdim=True)
    d = (high - low) / BITS[kind]
    q = torch.floor((b - low) / d.clamp_min(1e-30) + 0.5).clamp(0, BITS[kind])
    return (q * d.half().float() + low.half().float()).reshape(w.shape)


class Ste(torch.autograd.Function):
    """Forward as stored, backward as if it were not: training then moves weights across the steps of the grid
    instead of by less than a step, which rounding afterwards would take back."""

    @staticmethod
    def forward(ctx, w, kind):
        return round_trip(w, kind)

    @staticmethod
    def backward(ctx, g):
        return g, None


def norm(x: torch.Tensor, g: torch.Tensor, eps: float) -> torch.Tensor:
    x = x.float()
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * g


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


def stack(w: Weights, cfg: Config, batch: "Batch", taps: tuple[int, ...] = ()) -> list[torch.Tensor]:
    """The residual stream at the pooled tokens [pairs, 2, hidden]: after the layers named in `taps`, else the last."""
    b, t = batch.ids.shape
    hd = cfg.hidden // cfg.heads
    angle = batch.pos[..., None].float() * cfg.theta ** (-torch.arange(0, hd, 2).float() / hd)
    angle = torch.cat((angle, angle), -1)[:, None]
    cos, sin = angle.cos(), angle.sin()
    rows = torch.arange(b)[:, None]
    x, out = w["token_embd.weight"][batch.ids], []
    for i in range(cfg.layers):
        p = lambda n: w[f"blk.{i}.{n}.weight"]
        h = norm(x, p("attn_norm"), cfg.eps)
        q = F.linear(h, p("attn_q")).view(b, t, cfg.heads, hd).transpose(1, 2)
        k = F.linear(h, p("attn_k")).view(b, t, cfg.kv_heads, hd).transpose(1, 2)
        v = F.linear(h, p("attn_v")).view(b, t, cfg.kv_heads, hd).transpose(1, 2)
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        group = cfg.heads // cfg.kv_heads
        a = F.scaled_dot_product_attention(q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1), attn_mask=batch.mask)
        if i == cfg.layers - 1 and not taps:
            # Past this point only the pooled tokens matter.
            a = a.transpose(1, 2)[rows, batch.ends]
            x = x[rows, batch.ends]
        else:
            a = a.transpose(1, 2)
        x = x + F.linear(a.flatten(-2), p("attn_output"))
        h = norm(x, p("ffn_norm"), cfg.eps)
        x = x + F.linear(F.silu(F.linear(h, p("ffn_gate"))) * F.linear(h, p("ffn_up")), p("ffn_down"))
        if i + 1 in taps:
            out.append(x[rows, batch.ends].float())
    return out or [x.float()]


def scores(w: Weights, cfg: Config, batch: "Batch") -> torch.Tensor:
    """[pairs, 2]: chosen, rejected."""
    h = norm(stack(w, cfg, batch)[0], w["output_norm.weight"], cfg.eps)
    return (h @ w["cls.output.weight"].float().T).squeeze(-1)


# ---------------------------------------------------------------- pairs

@dataclass
class Pair:
    id: str
    set: str
    split: str  # train, dev, eval
    messages: list[dict]
    chosen: str
    rejected: str
    key: str  # first user turn: pairs that share it never lie in both train and dev
    ids: list[int] = None
    seg: tuple[int, int, int] = None  # lengths: shared prefix, rest of chosen, rest of rejected
    weight: float = 1.0

    @property
    def longer(self) -> int:
        """+1 if the chosen answer is the longer one, -1 if the rejected is, 0 if neither."""
        return (len(self.chosen) > len(self.rejected)) - (len(self.chosen) < len(self.rejected))


def prompt_hash(users: list[str]) -> str:
    text = re.sub(r"\s+", " ", "\n".join(users).lower()).strip()[:300]
    return hashlib.sha256(text.encode()).hexdigest()


def load_pairs(data: Path) -> tuple[list[Pair], set[str]]:
    """The pairs, and the hashes of all prompts that may be trained on."""
    barred = set((data / "not-for-training.sha256").read_text().split())
    pairs, dropped = [], Counter()
    for path in sorted((data / "pairs").glob("*.jsonl.gz")):
        for line in gzip.open(path, "rt"):
            r = json.loads(line)
            if r["chosen"] == r["rejected"]:
                continue
            users = [m["content"] for m in r["messages"] if m["role"] == "user"]
            whole = prompt_hash(users)
            if r["set"] not in TRAIN_CAP:
                split = "eval"
            # Any shorter beginning of the conversation counts as the evaluation prompt too.
            elif any(prompt_hash(users[:n]) in barred for n in range(1, len(users) + 1)):
                dropped[r["set"]] += 1
                continue
            else:
                split = "dev" if int(whole[:2], 16) < 0x40 else "train"
            pairs.append(Pair(r["id"], r["set"], split, r["messages"], r["chosen"], r["rejected"], prompt_hash(users[:1])))
    # A second turn has another hash than its first turn: keep both sides of such a conversation out of train.
    dev = {p.key for p in pairs if p.split == "dev"}
    kept = [p for p in pairs if not (p.split == "train" and p.key in dev)]
    print(f"dropped: evaluation prompts {dict(dropped)}, first turn also in dev {len(pairs) - len(kept)}")
    # What may be trained on, before anything is drawn, to be held against lists of what must not be: prompts and
    # beginnings of conversations.
    used = set()
    for p in kept:
        users = [m["content"] for m in p.messages if m["role"] == "user"]
        if p.split == "train":
            used |= {prompt_hash(users[:n]) for n in range(1, len(users) + 1)}
    rng, groups = random.Random(SEED), defaultdict(list)
    for p in kept:
        groups[p.split, p.set].append(p)
    out = []
    for (split, name), group in sorted(groups.items()):
        cap = {"train": TRAIN_CAP, "dev": DEV_CAP, "eval": EVAL_CAP}[split].get(name)
        out += sorted(rng.sample(group, cap), key=lambda p: p.id) if cap and len(group) > cap else group
    return out, used


def render(messages: list[dict]) -> str:
    return "\n".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>" for m in messages)


def encode(pairs: list[Pair], tok: Tokenizer, limit: int) -> None:
    """Both conversations as one row: shared prefix, rest of chosen, rest of rejected. The prefix is computed once."""
    for p in pairs:
        turns = list(p.messages)
        while True:
            a, b = (tok.encode(render([*turns, dict(role="assistant", content=c)]), add_special_tokens=False).ids
                    for c in (p.chosen, p.rejected))
            drop = next((i for i, m in enumerate(turns[:-1]) if m["role"] != "system"), None)
            if max(len(a), len(b)) <= limit or drop is None:
                break
            del turns[drop]  # the oldest turn
        n = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        prefix, a, b = a[:n], a[n:], b[n:]
        longest = max(len(a), len(b))
        prefix = prefix[max(0, len(prefix) + longest - limit):]  # one message longer than the limit: its end stays
        a, b = a[-limit:], b[-limit:]
        p.ids, p.seg = prefix + a + b, (len(prefix), len(a), len(b))


@dataclass
class Batch:
    pairs: list[Pair]
    ids: torch.Tensor
    pos: torch.Tensor
    mask: torch.Tensor
    ends: torch.Tensor
    weight: torch.Tensor


def collate(pairs: list[Pair]) -> Batch:
    t = max(len(p.ids) for p in pairs)
    ids, pos, seg = (torch.zeros(len(pairs), t, dtype=torch.long) for _ in range(3))
    for i, p in enumerate(pairs):
        n, a, b = p.seg
        ids[i, :n + a + b] = torch.tensor(p.ids)
        pos[i, :n + a + b] = torch.cat((torch.arange(n + a), torch.arange(n, n + b)))
        seg[i, n:n + a], seg[i, n + a:] = 1, 2
    # A token sees what stands before it, but the second answer does not see the first.
    mask = torch.ones(t, t, dtype=torch.bool).tril() & ((seg[:, None] == 0) | (seg[:, None] == seg[:, :, None]))
    ends = torch.tensor([[p.seg[0] + p.seg[1] - 1, sum(p.seg) - 1] for p in pairs])
    return Batch(pairs, ids, pos, mask[:, None], ends, torch.tensor([p.weight for p in pairs]))


def batches(pairs: list[Pair], tokens: int) -> list[list[Pair]]:
    """Rows of like length together, about `tokens` a batch."""
    out: list[list[Pair]] = []
    for p in sorted(pairs, key=lambda p: (len(p.ids), p.id)):
        if not out or (len(out[-1]) + 1) * len(p.ids) > tokens:
            out.append([])
        out[-1].append(p)
    return out


def balance(pairs: list[Pair]) -> None:
    """Weights under which, in every set, longer-chosen and shorter-chosen pairs count the same: with them "longer is
    better" earns nothing. Capped at 4 for sets that hold next to none of one kind; ties in length weigh 1."""
    count = Counter((p.set, p.longer) for p in pairs)
    for p in pairs:
        half = (count[p.set, 1] + count[p.set, -1]) / 2
        p.weight = min(4.0, half / count[p.set, p.longer]) if p.longer else 1.0


# ---------------------------------------------------------------- measures

def measures(pairs: list[Pair], margin: np.ndarray) -> dict:
    """`balanced`: the mean of the accuracies on longer-chosen and on shorter-chosen pairs, 50 % for any length rule."""
    win = margin > 0
    side = np.array([p.longer for p in pairs])
    acc = {s: float(win[side == s].mean()) if (side == s).any() else float("nan") for s in (1, -1)}
    return dict(n=len(pairs), accuracy=float(win.mean()), balanced=(acc[1] + acc[-1]) / 2, longer=acc[1], shorter=acc[-1],
                length=float(np.where(side == 0, 0.5, side > 0).mean()))


def wilson(p: float, n: int, z: float = 1.96) -> tuple[float, float]:
    mid, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (mid - half) / (1 + z * z / n), (mid + half) / (1 + z * z / n)


def fit_scale(margin: np.ndarray) -> float:
    """The factor under which sigmoid(margin) is the observed agreement (one-parameter logistic, Newton)."""
    s = 1 / margin.std()
    for _ in range(100):
        p = 1 / (1 + np.exp(-s * margin))
        s += (margin * (1 - p)).mean() / (margin ** 2 * p * (1 - p)).mean()
    return float(s)


def ece(margin: np.ndarray, bins: int = 10) -> float:
    """Confidence of the preferred answer against how often it is the chosen one, ten bins of equal count."""
    conf, hit = 1 / (1 + np.exp(-np.abs(margin))), margin > 0
    return float(sum(len(i) * abs(conf[i].mean() - hit[i].mean()) for i in np.array_split(np.argsort(conf), bins)) / len(margin))


@torch.no_grad()
def margins(w: Weights, cfg: Config, pairs: list[Pair], bf16: bool = False) -> np.ndarray:
    found = {}
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        for group in batches(pairs, 4096):
            s = scores(w, cfg, collate(group)).tolist()
            found.update({id(p): a - b for p, (a, b) in zip(group, s)})
    return np.array([found[id(p)] for p in pairs])


# ---------------------------------------------------------------- stages

def dev_line(pairs: list[Pair], margin: np.ndarray) -> str:
    m = measures(pairs, margin)
    return f"dev accuracy {m['accuracy']:.3f} balanced {m['balanced']:.3f} (longer {m['longer']:.3f} shorter {m['shorter']:.3f})"


def probe(w: Weights, cfg: Config, train: list[Pair], dev: list[Pair], taps: tuple[int, ...], cache: Path) -> dict:
    """A logistic head on frozen features of each depth in `taps`; L2 by balanced accuracy on dev."""
    from sklearn.linear_model import LogisticRegression

    def features(pairs: list[Pair]) -> torch.Tensor:  # [pairs, taps, 2, hidden]
        found, start, done = {}, time.time(), 0
        for group in batches(pairs, 4096):
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                for p, f in zip(group, torch.stack(stack(w, cfg, collate(group), taps), 1)):
                    found[id(p)] = f
            done += sum(len(p.ids) for p in group)
        print(f"features: {done} tokens, {done / (time.time() - start):.0f} a second", flush=True)
        return torch.stack([found[id(p)] for p in pairs])

    if not cache.exists():
        torch.save((features(train), features(dev)), cache)
    ftrain, fdev = torch.load(cache)
    weight, best = np.array([p.weight for p in train]), {}
    for j, layer in enumerate(taps):
        one = torch.ones(cfg.hidden)
        a, d = norm(ftrain[:, j], one, cfg.eps), norm(fdev[:, j], one, cfg.eps)
        # The final norm's weights carry the standardisation, so that the head needs neither scaling nor bias.
        gain = 1 / a.reshape(-1, cfg.hidden).std(0)
        x = ((a[:, 0] - a[:, 1]) * gain).numpy()
        y = ((d[:, 0] - d[:, 1]) * gain).numpy()
        for c in (1e-5, 1e-4, 1e-3, 1e-2):
            fit = LogisticRegression(C=c, fit_intercept=False, max_iter=300)
            fit.fit(np.vstack((x, -x)), np.repeat((1, 0), len(x)), np.tile(weight, 2))
            m = measures(dev, y @ fit.coef_[0])
            print(f"probe: {layer} layers, C {c}: {dev_line(dev, y @ fit.coef_[0])}", flush=True)
            if layer not in best or m["balanced"] > best[layer]["balanced"]:
                best[layer] = dict(m, head=torch.tensor(fit.coef_, dtype=torch.float32), gain=gain, c=c)
    return best


def tune(w: Weights, cfg: Config, train: list[Pair], dev: list[Pair], opts: argparse.Namespace) -> Weights:
    """Bradley-Terry on all weights but the embedding, which stays as it will be stored. Goes on from its last checkpoint, which is
    written every ten minutes with the state of the optimiser: cut off or not, it takes the same steps."""
    w = {k: v.clone() for k, v in w.items()}
    w["token_embd.weight"] = round_trip(w["token_embd.weight"], opts.embd_quant)
    learn = [k for k in w if k != "token_embd.weight"]
    for k in learn:
        w[k].requires_grad_(True)
    kinds = {k: quant_of(k, opts) for k in learn}
    small = [w[k] for k in learn if kinds[k] == "F32"]  # norms and head
    optim = torch.optim.AdamW([
        dict(params=[w[k] for k in learn if kinds[k] != "F32"], lr=opts.lr, weight_decay=0.01),
        dict(params=small, lr=opts.lr * 5, weight_decay=0.0)], betas=(0.9, 0.98))
    stored = lambda: {k: Ste.apply(v, kinds[k]) if k in kinds else v for k, v in w.items()}
    check = random.Random(SEED).sample(dev, min(len(dev), 400))
    rng, groups = random.Random(SEED), []
    for _ in range(opts.epochs):
        epoch = batches(train, opts.batch_tokens)
        rng.shuffle(epoch)
        groups += epoch
    groups = groups[:opts.steps] if opts.steps else groups
    best, first, path = (0.0, None), 0, opts.work / "checkpoint.pt"
    if path.exists():
        state = torch.load(path)
        best, first = state["best"], state["step"]
        optim.load_state_dict(state["optim"])
        with torch.no_grad():
            for k in learn:
                w[k].copy_(state["w"][k])
        print(f"tune: goes on from step {first}", flush=True)
    start, saved, seen, losses = time.time(), time.time(), 0, []
    for step, group in enumerate(groups):
        if step < first:
            continue
        lr = min(1, (step + 1) / 40) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / len(groups))))
        for g, base in zip(optim.param_groups, (opts.lr, opts.lr * 5)):
            g["lr"] = base * lr
        batch = collate(group)
        with torch.autocast("cpu", torch.bfloat16):
            s = scores(stored(), cfg, batch)
        loss = (F.softplus(s[:, 1] - s[:, 0]) * batch.weight).sum() / batch.weight.sum()
        # Batches hold like lengths, so few long pairs or many short ones: weigh each by its pairs.
        (loss * batch.weight.sum() / opts.mean_pairs).backward()
        torch.nn.utils.clip_grad_norm_([w[k] for k in learn], 1.0)
        optim.step()
        optim.zero_grad()
        seen += sum(len(p.ids) for p in group)
        losses.append(loss.item())
        if (step + 1) % 20 == 0:
            print(f"tune: step {step + 1}/{len(groups)} loss {np.mean(losses[-20:]):.4f} {seen / (time.time() - start):.0f} tokens/s", flush=True)
        if (step + 1) % opts.check_every == 0 or step + 1 == len(groups):
            with torch.no_grad():
                now = {k: v.detach() for k, v in stored().items()}
            m = margins(now, cfg, check, bf16=True)
            print(f"tune: step {step + 1} {dev_line(check, m)}", flush=True)
            score = measures(check, m)["balanced"]
            if score <= best[0]:
                break  # it has begun to learn the training pairs by heart
            best = (score, {k: v.detach().clone() for k, v in w.items()})
        if time.time() - saved > 60 * opts.checkpoint_minutes:
            # Through another file: cut off here, the one before is still whole.
            torch.save(dict(best=best, step=step + 1, optim=optim.state_dict(), w={k: w[k].detach() for k in learn}), path.with_suffix(".new"))
            path.with_suffix(".new").replace(path)
            saved = time.time()
    path.unlink(missing_ok=True)
    return best[1]


def export(path: Path, w: Weights, cfg: Config, tokens: list[str], merges: list[str], opts: argparse.Namespace) -> None:
    out = gguf.GGUFWriter(path, "llama")
    out.add_name("Tiebreak mini")
    out.add_description("Small reward model: first layers of SmolLM2-135M-Instruct with a preference head")
    out.add_license("apache-2.0")
    out.add_size_label(f"{sum(v.numel() for v in w.values()) / 1e6:.0f}M")
    out.add_base_model_count(1)
    out.add_base_model_name(0, "SmolLM2-135M-Instruct")
    out.add_base_model_organization(0, "HuggingFaceTB")
    out.add_base_model_repo_url(0, "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct")
    out.add_context_length(2048)
    out.add_embedding_length(cfg.hidden)
    out.add_block_count(cfg.layers)
    out.add_feed_forward_length(cfg.ffn)
    out.add_head_count(cfg.heads)
    out.add_head_count_kv(cfg.kv_heads)
    out.add_rope_dimension_count(cfg.hidden // cfg.heads)
    out.add_rope_freq_base(cfg.theta)
    out.add_layer_norm_rms_eps(cfg.eps)
    out.add_vocab_size(cfg.vocab)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("smollm")
    out.add_token_list(tokens)
    out.add_token_types([gguf.TokenType.CONTROL if t in SPECIAL else gguf.TokenType.NORMAL for t in tokens])
    out.add_token_merges(merges)
    out.add_bos_token_id(BOS)
    out.add_eos_token_id(EOS)
    out.add_pad_token_id(PAD)
    out.add_add_bos_token(False)
    out.add_add_eos_token(False)
    out.add_chat_template(CHAT_TEMPLATE)
    out.add_string("tokenizer.huggingface.json", tokenizer_json(tokens, merges))
    for name, v in w.items():
        a = v.detach().numpy()
        if "attn_q." in name:
            a = permute(a, cfg.heads)
        if "attn_k." in name:
            a = permute(a, cfg.kv_heads)
        kind = QTYPE[quant_of(name, opts)]
        a = np.ascontiguousarray(a, np.float32)
        out.add_tensor(name, a if kind == QTYPE.F32 else gguf.quants.quantize(a, kind), raw_dtype=kind)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    print(f"export: {path} {path.stat().st_size} bytes", flush=True)


def measure(path: Path, pairs: list[Pair], opts: argparse.Namespace) -> dict[str, np.ndarray]:
    """Margins of every dev and evaluation set by the weights of the exported file; kept set by set in the cache."""
    w, cfg, _ = read_gguf(path)
    groups, out = defaultdict(list), {}
    for p in pairs:
        if p.split != "train":
            groups[p.set].append(p)
    folder = opts.work / f"margins-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}{'-bf16' if opts.bf16 else ''}"
    folder.mkdir(exist_ok=True)
    tokens, start = 0, time.time()
    for name, group in groups.items():
        cache = folder / f"{name}.json"
        if not cache.exists():
            cache.write_text(json.dumps(margins(w, cfg, group, opts.bf16).tolist()))
            tokens += sum(len(p.ids) for p in group)
            print(f"measure: {name} {len(group)} pairs, {tokens / (time.time() - start):.0f} tokens a second", flush=True)
        out[name] = np.array(json.loads(cache.read_text()))
    return out


def calibrate(found: dict[str, np.ndarray], dev: list[Pair], opts: argparse.Namespace) -> float:
    margin = np.concatenate([found[name] for name in dict.fromkeys(p.set for p in dev)])
    scale = fit_scale(margin)
    half = np.array([int(p.key, 16) % 2 == 0 for p in dev])  # by prompt: fit on one half, look at the other
    held = np.concatenate([margin[~half] * fit_scale(margin[half]), margin[half] * fit_scale(margin[~half])])
    result = dict(n=len(dev), scale=scale, ece=ece(margin * scale), ece_held_out=ece(held))
    print(f"calibrate: {result}; {dev_line(dev, margin)}", flush=True)
    (opts.work / "calibration.json").write_text(json.dumps(result))
    return scale


def table(pairs: list[Pair], found: dict[str, np.ndarray], opts: argparse.Namespace) -> None:
    lines = ["| set | part | pairs | accuracy % | 95 % interval | longer answer % | length-balanced % |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    for split in ("eval", "dev"):
        for name in dict.fromkeys(p.set for p in pairs if p.split == split):
            r = measures([p for p in pairs if p.split == split and p.set == name], found[name])
            low, high = wilson(r["accuracy"], r["n"])
            lines.append(f"| {name} | {split} | {r['n']} | {100 * r['accuracy']:.1f} | {100 * low:.1f} to {100 * high:.1f} "
                         f"| {100 * r['length']:.1f} | {100 * r['balanced']:.1f} |")
    (opts.work / "results.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines), flush=True)


def parity(path: Path, tuned: Weights, pairs: list[Pair], tok: Tokenizer, opts: argparse.Namespace, out: Path) -> None:
    """Scores of whole conversations three times, in f32: by transformers' own LlamaForSequenceClassification from the
    shipped weights; by this recipe's forward pass from the checkpoint, as it was trained (`tuned`, rounded in every
    pass); and from the same checkpoint without rounding, which is what the optimiser moved and never what was scored."""
    from transformers import LlamaConfig, LlamaForSequenceClassification

    w, cfg, meta = read_gguf(path)
    model = LlamaForSequenceClassification(LlamaConfig(
        vocab_size=cfg.vocab, hidden_size=cfg.hidden, intermediate_size=cfg.ffn, num_hidden_layers=cfg.layers,
        num_attention_heads=cfg.heads, num_key_value_heads=cfg.kv_heads, rms_norm_eps=cfg.eps, rope_theta=cfg.theta,
        rope_parameters=dict(rope_type="default", rope_theta=cfg.theta),
        max_position_embeddings=2048, num_labels=1, pad_token_id=PAD, bos_token_id=BOS, eos_token_id=EOS)).eval()
    names = dict(attn_q="self_attn.q_proj", attn_k="self_attn.k_proj", attn_v="self_attn.v_proj",
                 attn_output="self_attn.o_proj", ffn_gate="mlp.gate_proj", ffn_up="mlp.up_proj", ffn_down="mlp.down_proj",
                 attn_norm="input_layernorm", ffn_norm="post_attention_layernorm")
    state = {"model.embed_tokens.weight": w["token_embd.weight"], "model.norm.weight": w["output_norm.weight"],
             "score.weight": w["cls.output.weight"]}
    for i in range(cfg.layers):
        for ours, theirs in names.items():
            state[f"model.layers.{i}.{theirs}.weight"] = w[f"blk.{i}.{ours}.weight"]
    model.load_state_dict(state, strict=True)
    model.float()

    # 50 pairs, chosen and rejected one after the other, and one more text.
    open_sets = {"mtbench-human": "CC-BY-4.0", "oasst-100": "Apache-2.0", "tulu1-human": "Apache-2.0"}
    pool = [p for p in pairs if p.set in open_sets]
    random.Random(SEED).shuffle(pool)
    items, taken, long_done = [], Counter(), False
    for p in pool:
        both = [[*p.messages, dict(role="assistant", content=c)] for c in (p.chosen, p.rejected)]
        n = max(len(tok.encode(render(m), add_special_tokens=False).ids) for m in both)
        if 1400 <= n <= 1600 and not long_done:
            long_done = True
        elif n > 400 or taken[p.set] >= 20 or len(items) >= 98:
            continue
        taken[p.set] += 1
        items += [(p, m) for m in both]
    items = items[:100]
    tuned = {k: v.detach().float() for k, v in tuned.items()}
    trained = {k: round_trip(v, quant_of(k, opts)) for k, v in tuned.items()}
    worst, rows = 0.0, []
    # One odd text that is nobody's: multi-byte characters, digits, runs of spaces, a control character, a system turn.
    odd = [dict(role="system", content="Be brief."), dict(role="user", content="  Größe in €?\t12345\n\n\n日本語 🦀🏳️‍🌈"),
           dict(role="assistant", content="\u0007 3.14159 mm²  –  ok\r\n")]
    for name, licence, m in [*((p.id, open_sets[p.set], m) for p, m in items), ("made-up", "CC0-1.0", odd)]:
        ids = tok.encode(render(m), add_special_tokens=False).ids
        t = len(ids)
        batch = Batch([], torch.tensor([ids]), torch.arange(t)[None], torch.ones(1, 1, t, t, dtype=torch.bool).tril(),
                      torch.tensor([[t - 1]]), torch.ones(1))
        with torch.no_grad():
            score = model(batch.ids).logits[0, 0].item()
            own, by_training, unrounded = (scores(x, cfg, batch).item() for x in (w, trained, tuned))
        worst = max(worst, abs(score - own))
        rows.append(dict(id=name, license=licence, messages=m, tokens=t, first=ids[:5], last=ids[-5:],
                         score=round(score, 6), trained=round(by_training, 6), unrounded=round(unrounded, 6)))
    from jinja2 import Template
    assert all(Template(meta["tokenizer.chat_template"]).render(messages=r["messages"]) == render(r["messages"]) for r in rows)
    print(f"parity: {len(rows)} conversations, longest {max(r['tokens'] for r in rows)}, transformers against the recipe's forward: {worst:.2e}")
    out.write_text("{\n\"about\": " + json.dumps(
        "50 pairs, chosen then rejected, and one text more. Scores by transformers LlamaForSequenceClassification, f32, from the dequantised weights of tiebreak-mini.gguf; "
        "text rendered by its chat template, encoded without added special tokens, last token pooled. "
        "trained: by train.py from its own checkpoint, rounded as in every training step. unrounded: the same without rounding")
        + ",\n\"model_sha256\": " + json.dumps(hashlib.sha256(path.read_bytes()).hexdigest())
        + ",\n\"conversations\": [\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n]\n}\n")


def main() -> None:
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("--data", type=Path, required=True, help="folder with pairs/ and not-for-training.sha256")
    arg.add_argument("--base", type=Path, required=True, help="SmolLM2-135M-Instruct.Q4_1.gguf")
    arg.add_argument("--out", type=Path, default=Path("."))
    arg.add_argument("--work", type=Path, default=Path("work"), help="caches and checkpoints")
    arg.add_argument("--layers", type=int, default=4)
    arg.add_argument("--merges", type=int, default=10000)
    arg.add_argument("--embd-quant", default="Q5_1")
    arg.add_argument("--attn-quant", default="Q5_1")
    arg.add_argument("--ffn-quant", default="Q5_1")
    arg.add_argument("--probe-only", action="store_true", help="leave the stack as it is; only the head is trained")
    arg.add_argument("--probe-layers", type=int, nargs="+", default=[4])
    arg.add_argument("--probe-pairs", type=int, default=1500)
    arg.add_argument("--probe-tokens", type=int, default=512, help="longest pair (both answers) that the probe sees")
    arg.add_argument("--train-tokens", type=int, default=896, help="longest pair (both answers) used for training")
    arg.add_argument("--batch-tokens", type=int, default=4096)
    arg.add_argument("--mean-pairs", type=float, default=16.0)
    arg.add_argument("--epochs", type=int, default=2)
    arg.add_argument("--steps", type=int, default=0, help="stop after so many batches; 0: all")
    arg.add_argument("--check-every", type=int, default=120)
    arg.add_argument("--checkpoint-minutes", type=float, default=10)
    arg.add_argument("--lr", type=float, default=1e-4)
    arg.add_argument("--bf16", action="store_true", help="measure in bf16: faster, margins off by about 0.01")
    arg.add_argument("--threads", type=int, default=os.cpu_count())
    opts = arg.parse_args()
    opts.work.mkdir(parents=True, exist_ok=True)
    opts.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    torch.set_num_threads(opts.threads)

    w, cfg, tokens, merges = cut_base(opts.base, max(opts.layers, *opts.probe_layers), opts.merges)
    tok = Tokenizer.from_str(tokenizer_json(tokens, merges))
    pairs, used = load_pairs(opts.data)
    (opts.out / "trained-on.sha256").write_text("".join(f"{h}\n" for h in sorted(used)))
    encode(pairs, tok, 2048)
    train = [p for p in pairs if p.split == "train" and len(p.ids) <= opts.train_tokens]
    dev = [p for p in pairs if p.split == "dev" and len(p.ids) <= opts.train_tokens]
    balance(train)
    print(f"vocabulary {cfg.vocab}; train {len(train)} pairs, {sum(len(p.ids) for p in train)} tokens {dict(Counter(p.set for p in train))}; "
          f"dev {len(dev)} pairs, {sum(len(p.ids) for p in dev)} tokens", flush=True)

    rng = random.Random(SEED)
    short = [p for p in train if len(p.ids) <= opts.probe_tokens]
    short = rng.sample(short, min(len(short), opts.probe_pairs))
    short_dev = [p for p in dev if len(p.ids) <= opts.probe_tokens]
    short_dev = rng.sample(short_dev, min(len(short_dev), opts.probe_pairs // 2))
    best = probe(w, cfg, short, short_dev, tuple(opts.probe_layers), opts.work / "features.pt")[opts.layers]

    w = {k: v for k, v in w.items() if not (k.startswith("blk.") and int(k.split(".")[1]) >= opts.layers)}
    cfg.layers = opts.layers
    w["output_norm.weight"], w["cls.output.weight"] = best["gain"], best["head"]
    if not opts.probe_only:
        if not (opts.work / "tuned.pt").exists():
            torch.save(tune(w, cfg, train, dev, opts), opts.work / "tuned.pt")
        w = torch.load(opts.work / "tuned.pt")
    # Measured as stored, then the scale is folded into the head, which is stored in F32: the order of answers stays.
    raw, path = opts.work / "uncalibrated.gguf", opts.out / "tiebreak-mini.gguf"
    export(raw, w, cfg, tokens, merges, opts)
    dev = [p for p in pairs if p.split == "dev"]
    found = measure(raw, pairs, opts)
    w["cls.output.weight"] = w["cls.output.weight"].detach() * calibrate(found, dev, opts)
    export(path, w, cfg, tokens, merges, opts)
    parity(path, w, dev, tok, opts, opts.out / "parity.json")
    full = argparse.Namespace(embd_quant="F32", attn_quant="F32", ffn_quant="F32")
    export(opts.work / "unrounded.gguf", w, cfg, tokens, merges, full)
    table(pairs, found, opts)


if __name__ == "__main__":
    main()
