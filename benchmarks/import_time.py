"""Time that `import keras_gan` adds to importing TensorFlow and Keras, in pairs of processes.

python benchmarks/import_time.py
"""

import statistics
import subprocess
import sys
import time

from absl import app, flags

_ROUNDS = flags.DEFINE_integer("rounds", 5, "Pairs of runs.", lower_bound=1)


def seconds(code):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


def main(_):
    base, ours = "import tensorflow, keras", "import tensorflow, keras, keras_gan"
    seconds(ours)  # Warm the file cache.
    differences = []
    for pair in range(_ROUNDS.value):
        without, with_ours = seconds(base), seconds(ours)
        differences.append(with_ours - without)
        print(f"{pair + 1}: tensorflow and keras {without:.2f} s, with keras_gan {with_ours:.2f} s")
    print(f"median difference: {statistics.median(differences):.2f} s")


if __name__ == "__main__":
    app.run(main)
