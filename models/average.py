#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Averages the weights of models that were trained from the same model.

The mean of such weights is often a better model than each of them (Wortsman et
al., "Model soups", arXiv 2203.05482). Measure it. The mean of models that were
not trained from the same model is useless.
"""

import argparse
import sys
from dataclasses import replace

import torch

import modelfile


class AverageError(Exception):
    """Why these models cannot be averaged."""


def average(paths):
    """(network, ModelInfo of the first). It has no activation scales: calibrate
    it."""
    models = [modelfile.load(path) for path in paths]
    net, info = models[0]
    for path, (other, theirs) in zip(paths[1:], models[1:]):
        for what, mine, its in (("network", net.variant, other.variant),
                                ("classes", info.labels, theirs.labels),
                                ("mean", info.mean, theirs.mean),
                                ("deviation", info.std, theirs.std)):
            if mine != its:
                raise AverageError(f"{path}: {what}: {its}, but "
                                   f"{mine} in {paths[0]}")
    states = [model.state_dict() for model, _ in models]
    net.load_state_dict({name: torch.stack([state[name] for state in states]).mean(0)
                         for name in states[0]})
    return net, replace(info, activation_scales=None)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--out", required=True, help="file to write")
    args = parser.parse_args()
    if len(args.models) < 2:
        parser.error("give two models or more")
    try:
        modelfile.save(args.out, *average(args.models))
    except (AverageError, modelfile.ModelFileError, OSError) as error:
        sys.exit(f"average.py: {error}")


if __name__ == "__main__":
    main()
