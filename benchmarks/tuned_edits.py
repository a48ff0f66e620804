"""Whether a tuned face still takes edits, in the eyes of a network that looks at pixels and knows no model.

    python benchmarks/tuned_edits.py hub_configs/faces-128 data.path=PICTURES --faces 24 --attributes 12

A probe learns the attributes from the training pictures. Held-out pictures are tuned, and each is edited by the
attributes that the probe does not see in its reconstruction, plain or tuned, at the strength of a click on "full".
Counted are the edits after which the probe sees what was asked for, of the model's own pictures and of the tuned ones.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image
from pixel_judge import add_model_options, judged_model

from modeling_vae import VAEPipeline
from modeling_vae.data import PictureData, labelled_batches
from modeling_vae.probing.probes import Probe


@dataclass(frozen=True)
class Judge:
    """A probe that looks at pictures, and the processor that makes pixels of them."""

    probe: Probe
    pipe: VAEPipeline

    def sees(self, picture: Image.Image) -> dict[str, bool]:
        scores = self.probe(self.pipe.processor(picture, return_tensors="pt")["pixel_values"])[0]
        names = [attribute.name for attribute in self.probe.attributes]
        return dict(zip(names, (scores > 0).tolist(), strict=True))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/tuned_edits.py", description="Edits of tuned faces, judged.")
    add_model_options(parser)
    parser.add_argument("--faces", type=int, default=24, help="held-out pictures to tune")
    parser.add_argument("--attributes", type=int, default=12, help="the first of those that the model offers")
    options = parser.parse_args(argv)
    pipe, data, probe = judged_model(options.folder, options.overrides)
    known = {attribute.name for attribute in probe.attributes}
    names = [name for name in pipe.attributes if name in known][: options.attributes]
    print(table(*count(pipe, Judge(probe, pipe), held_out(pipe, data, options.faces), names)), end="")


def held_out(pipe: VAEPipeline, data: PictureData, most: int) -> list[Image.Image]:
    (pixel_values, _) = next(iter(labelled_batches(data.validation, most, most)))
    return pipe.processor.postprocess(pixel_values)


def count(
    pipe: VAEPipeline, judge: Judge, pictures: list[Image.Image], names: list[str]
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """By attribute: edits that were tried, and those that the probe sees in plain and in tuned pictures."""
    assert pipe.directions is not None
    strengths = {name: pipe.directions.directions[name].full() for name in names}
    tried, plain, tuned = Counter[str](), Counter[str](), Counter[str]()
    for number, picture in enumerate(pictures, 1):
        crop = pipe.crop(picture, find=False)
        face = pipe.tune(crop)
        before = [judge.sees(face.reconstruct()), judge.sees(pipe.reconstruct(crop)[0])]
        for name, strength in strengths.items():
            if any(seen[name] for seen in before):
                continue
            tried[name] += 1
            plain[name] += judge.sees(pipe.edit(crop, {name: strength}))[name]
            tuned[name] += judge.sees(face.edit({name: strength}))[name]
        print(f"{number} of {len(pictures)}: {plain.total()} and {tuned.total()} of {tried.total()}", flush=True)
    return tried, plain, tuned


def table(tried: Mapping[str, int], plain: Mapping[str, int], tuned: Mapping[str, int]) -> str:
    """Markdown, a line for each attribute and one for all."""
    lines = ["| attribute | tried | seen in plain edits | in tuned ones | ratio |", "| --- | --- | --- | --- | --- |"]
    sums = {"all": [sum(counts.values()) for counts in (tried, plain, tuned)]}
    for name, numbers in ({name: [tried[name], plain[name], tuned[name]] for name in tried} | sums).items():
        ratio = numbers[2] / numbers[1] if numbers[1] else math.nan
        lines.append(f"| {name} | {' | '.join(map(str, numbers))} | {ratio:.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
