"""Writes what the tools read: prompts that differ, and a tokenizer.

inputs.py COUNT TOKENS PROMPTS TOKENIZER

A line of PROMPTS carries the prompt and the length of the answer under the
names that each of the tools looks for. The lengths are uniform from half of
TOKENS to one and a half of it: with one length for all, every stream of a
closed loop would end in the same instant, again and again. TOKENIZER is a folder as the Hugging
Face libraries load it; its one token stands for every word. Nothing that is
compared depends on it: all take the server's count of tokens.
"""

import json
import pathlib
import random
import sys

count, tokens = int(sys.argv[1]), int(sys.argv[2])
prompts, tokenizer = pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])

words = "time queue token block cache batch model layer head graph shard route".split()
draw = random.Random(1)
with prompts.open("w") as f:
    for i in range(count):
        prompt = f"request {i} " + " ".join(draw.choices(words, k=6))
        length = draw.randint(tokens // 2, tokens + tokens // 2)
        line = {
            "prompt": prompt,  # llmops, vllm, guidellm, k6.js
            "text": prompt,  # aiperf
            "max_tokens": length,  # llmops, k6.js
            "output_tokens": length,  # vllm
            "output_tokens_count": length,  # guidellm
            "output_length": length,  # aiperf
        }
        f.write(json.dumps(line) + "\n")

tokenizer.mkdir(exist_ok=True)
unknown = "[UNK]"
special = dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized"], False)
(tokenizer / "tokenizer.json").write_text(
    json.dumps(
        {
            "version": "1.0",
            "added_tokens": [{"id": 0, "content": unknown, "special": True, **special}],
            "pre_tokenizer": {"type": "WhitespaceSplit"},
            "model": {"type": "WordLevel", "vocab": {unknown: 0}, "unk_token": unknown},
        }
    )
)
(tokenizer / "tokenizer_config.json").write_text(
    json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": unknown})
)
(tokenizer / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
