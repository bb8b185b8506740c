"""A reward model of a known shape with random weights, to measure speed with: what it says means nothing.

    python make_shape.py 135m|0.6b FOLDER          # torch 2.15.0, transformers 5.23.0, gguf 0.19.0

The tokenizer and the chat template are those of the embedded model, whose vocabulary is SmolLM2's.
"""

import sys
from pathlib import Path

import gguf
import torch
from tokenizers import Tokenizer
from transformers import (LlamaConfig, LlamaForSequenceClassification, PreTrainedTokenizerFast, Qwen3Config,
                          Qwen3ForSequenceClassification)

EMBEDDED = next((Path(__file__).parents[2] / "assets/reward-model").glob("*.gguf"))


def tokenizer():
    file = gguf.GGUFReader(EMBEDDED)
    text = lambda key: bytes(file.fields[key].parts[file.fields[key].data[0]]).decode()
    made = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(text("tokenizer.huggingface.json")), pad_token="<|im_end|>",
                                   eos_token="<|im_end|>", bos_token="<|im_start|>")
    made.chat_template = text("tokenizer.chat_template")
    return made


def main(shape, folder):
    tok = tokenizer()
    torch.manual_seed(0)
    common = dict(vocab_size=len(tok), max_position_embeddings=8192, num_labels=1, pad_token_id=tok.pad_token_id)
    if shape == "135m":
        model = LlamaForSequenceClassification(LlamaConfig(
            hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3, rope_theta=1e5, **common))
    else:
        model = Qwen3ForSequenceClassification(Qwen3Config(
            hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16, num_key_value_heads=8, head_dim=128,
            rope_theta=1e6, **common))
    model.to(torch.bfloat16).save_pretrained(folder)
    tok.save_pretrained(folder)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
