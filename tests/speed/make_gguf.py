"""A folder of safetensors as a GGUF file, for llama.cpp: Llama and Qwen3 shapes, matrices as Q8_0, the rest f32.

    python make_gguf.py FOLDER FILE.gguf          # gguf 0.19.0, safetensors 0.8.0, tokenizers 0.23.3

The reward head is left out: llama.cpp gives the hidden states below it.
"""

import json
import sys
from pathlib import Path

import gguf
import torch
from safetensors.torch import load_file

NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
         "post_attention_layernorm": "ffn_norm", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}


def name(of):
    if of in ("model.embed_tokens.weight", "model.norm.weight"):
        return "token_embd.weight" if "embed" in of else "output_norm.weight"
    _, _, layer, *part, kind = of.split(".")
    return f"blk.{layer}.{NAMES['.'.join(part)]}.{kind}"


def main(folder, file):
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    tok = json.loads((folder / "tokenizer.json").read_text())
    arch = config["model_type"]
    out = gguf.GGUFWriter(file, arch)
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    size = config.get("head_dim") or config["hidden_size"] // heads
    out.add_context_length(config["max_position_embeddings"])
    out.add_embedding_length(config["hidden_size"])
    out.add_feed_forward_length(config["intermediate_size"])
    out.add_block_count(config["num_hidden_layers"])
    out.add_head_count(heads)
    out.add_head_count_kv(kv)
    out.add_key_length(size)
    out.add_value_length(size)
    out.add_rope_dimension_count(size)
    out.add_rope_freq_base((config.get("rope_parameters") or config)["rope_theta"])
    out.add_layer_norm_rms_eps(config["rms_norm_eps"])
    words = {id: word for word, id in tok["model"]["vocab"].items()}
    special = {t["id"]: t["content"] for t in tok["added_tokens"]}
    words.update(special)
    count = config["vocab_size"]
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("smollm")
    out.add_token_list([words.get(id, f"<unused{id}>") for id in range(count)])
    out.add_token_types([gguf.TokenType.CONTROL if id in special else gguf.TokenType.NORMAL for id in range(count)])
    merges = tok["model"]["merges"]
    out.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    for key in ("bos_token_id", "eos_token_id", "pad_token_id"):
        if isinstance(config.get(key), int):
            getattr(out, f"add_{key[:3]}_token_id")(config[key])
    out.add_add_bos_token(False)
    for key, tensor in load_file(folder / "model.safetensors").items():
        if key.startswith("score"):
            continue
        values = tensor.to(torch.float32).numpy()
        if arch == "llama" and ("q_proj" in key or "k_proj" in key):
            # llama.cpp has the two halves of a head's rows one beside the other.
            n = heads if "q_proj" in key else kv
            values = values.reshape(n, 2, -1, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
        if values.ndim == 2:
            values = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            out.add_tensor(name(key), values, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            out.add_tensor(name(key), values)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
