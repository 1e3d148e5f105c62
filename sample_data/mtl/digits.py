# Writes digits/: 400 handwritten digits from the copy in scikit-learn, 8x8 greys (16 steps, spread over 0..255) as PNGs, with
# dataset.json and tasks.json: which digit, whether it is odd, and the share of ink. Pillow must be there.
import json
import os

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

data = load_digits()
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "digits")
splits, first = {}, 0
for split, count in (("train", 240), ("val", 40), ("test", 120)):
    os.makedirs(os.path.join(root, split), exist_ok=True)
    splits[split] = []
    for i in range(first, first + count):
        grey = np.floor(data.images[i] * 255 / 16 + 0.5).astype(np.uint8)
        Image.fromarray(grey, mode="L").save(os.path.join(root, split, "%d.png" % i), optimize=True)
        digit = int(data.target[i])
        splits[split].append({"id": str(i), "image": "%s/%d.png" % (split, i), "digit": digit, "odd": digit % 2,
                              "ink": round(float(data.images[i].mean()) / 16, 4)})
    first += count

with open(os.path.join(root, "dataset.json"), "w") as out:
    out.write('{"splits": {\n' + ",\n".join(
        ' "%s": [\n  %s]' % (split, ",\n  ".join(json.dumps(item) for item in items)) for split, items in splits.items()) + "}}\n")
with open(os.path.join(root, "tasks.json"), "w") as out:
    out.write("""{"input": {"range": [0, 1], "order": "L", "mean": [0], "std": [1], "size": null},
 "tasks": [{"name": "digit", "output": "digit", "type": "classification", "classes": 10, "loss": "ce"},
           {"name": "odd", "output": "odd", "type": "classification", "classes": 2, "loss": "ce"},
           {"name": "ink", "output": "ink", "type": "regression", "dims": 1, "loss": "mse"}]}
""")
