"""Parameters as published, shapes in the middle, operations as published; and the table in the documentation.

After a wanted change, write the table anew and commit it with the change::

    PYTHONPATH=src python tests/zoo/test_counts.py
"""

from __future__ import annotations

import math
import re
import time
from pathlib import Path

import pytest

from lamina.network.plan import Plan
from lamina.zoo.catalog import CATALOG, Figure, make

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "zoo.md"
TABLE = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end -->)", re.DOTALL)
FIGURES = [pytest.param(name, figure, id=f"{name}-{figure.count}") for name, entry in CATALOG.items() for figure in entry.figures]


def trained(plan: Plan) -> int:
    nodes = [node for node in plan.nodes if not getattr(node.layer, "frozen", False)]
    return sum(parameter.size for node in nodes for parameter in node.parameters.values())


def statistics(plan: Plan) -> int:
    return sum(math.prod(sizes) for node in plan.nodes for sizes in node.buffers.values())


def table() -> str:
    lines = ["| network | settings | input | parameters | statistics | published | of these |", "|---|---|---|---:|---:|---:|---|"]
    for name, entry in CATALOG.items():
        for figure in entry.figures:
            plan = make(name, figure.settings).resolve()
            inputs = ", ".join(f"{shape.type_name} {shape}" for shape in plan.inputs.values())
            settings = ", ".join(f"`{key}={value}`" for key, value in figure.settings.items() if key != "input")
            published = f"{figure.count:,}" if figure.source else "none"
            source = f"{figure.source} ({'trained' if figure.counts == 'trained' else 'trained and statistics'})" if figure.source else ""
            lines.append(f"| `{name}` | {settings} | {inputs} | {trained(plan):,} | {statistics(plan):,} | {published} | {source} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("name", "figure"), FIGURES)
def test_the_number_of_parameters_is_the_published_one(name: str, figure: Figure) -> None:
    plan = make(name, figure.settings).resolve()
    assert trained(plan) + (statistics(plan) if figure.counts == "all" else 0) == figure.count


def test_the_table_in_the_documentation_is_this() -> None:
    found = TABLE.search(PAGE.read_text())
    assert found is not None
    assert found[0] == table(), "if the change is wanted: PYTHONPATH=src python tests/zoo/test_counts.py"


# Billions of multiply-adds of convolutions and dense layers, as torchvision's documentation has them ("GFLOPS") unless said
# otherwise: they change when a stride, a padding or a pooling does, which the number of parameters does not see.
OPERATIONS = {
    "alexnet": 0.71,
    "vgg16": 15.47,
    "vgg19": 19.63,
    "googlenet": 1.5,
    "resnet18": 1.81,
    "resnet34": 3.66,
    "resnet50": 4.09,
    "resnet101": 7.8,
    "resnet152": 11.51,
    "squeezenet1_0": 0.82,
    "squeezenet1_1": 0.35,
    "mobilenet_v2": 0.3,
    "mobilenet_v3_large": 0.22,
    "mobilenet_v3_small": 0.06,
    "efficientnet_b0": 0.39,
    "convnext_tiny": 4.46,
    "nasnet_mobile": 0.564,  # the paper's table 2
    "densenet121": 2.83,
    "densenet169": 3.36,
    "densenet201": 4.29,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_number_of_operations_is_the_published_one(name: str) -> None:
    nodes = [node for node in make(name).resolve().nodes if any(len(parameter.shape) > 1 for parameter in node.parameters.values())]
    operations = sum(node.layer.flops(node.input_shapes, node.output_shape) for node in nodes) / 2e9
    assert abs(operations - OPERATIONS[name]) <= 0.0051


MIDDLE = [
    ("lenet", "pool2", (50, 4, 4)),
    ("alexnet", "features_5", (192, 13, 13)),
    ("vgg16", "pool3", (256, 28, 28)),
    ("googlenet", "inception4a_concat", (512, 14, 14)),
    ("resnet18", "layer2_0_relu", (128, 28, 28)),
    ("resnet50", "layer3_5_relu", (1024, 14, 14)),
    ("squeezenet1_0", "features_7_concat", (256, 27, 27)),
    ("squeezenet1_1", "features_12_concat", (512, 13, 13)),
    ("inception_resnet_v1", "Block17_1", (896, 8, 8)),
    ("inception_resnet_v1", "Mixed_7a", (1792, 3, 3)),
    ("xception", "block4_add", (728, 19, 19)),
    ("mobilenet_v2", "features_13", (96, 14, 14)),
    ("mobilenet_v3_large", "features_12", (112, 14, 14)),
    ("mobilenet_v3_small", "features_9_block_3_1", (96, 7, 7)),
    ("efficientnet_b0", "features_6_0_block_3_1", (192, 7, 7)),
    ("convnext_tiny", "features_5_8", (384, 14, 14)),
    ("darknet19", "pool4", (256, 14, 14)),
    ("tiny_yolo", "pool6", (512, 13, 13)),
    ("vit_tiny", "sequence", (196, 192)),
    ("vit_small", "blocks_11", (197, 384)),
    ("yolo2", "reorganize", (256, 19, 19)),
    ("yolo2", "concat", (1280, 19, 19)),
    ("nasnet_mobile", "reduction_concat_stem_2", (88, 28, 28)),
    ("nasnet_mobile", "normal_concat_8", (528, 14, 14)),
    ("unet", "bottom_norm2", (1024, 16, 16)),
    ("densenet121", "features_transition2_pool", (256, 14, 14)),
]


@pytest.mark.parametrize(("name", "node", "dims"), MIDDLE)
def test_shapes_in_the_middle(name: str, node: str, dims: tuple[int, ...]) -> None:
    assert make(name).resolve().node(node).output_shape.dims == dims


@pytest.mark.parametrize("name", CATALOG)
def test_a_network_is_described_and_resolved_within_a_second(name: str) -> None:
    make(name).resolve()  # loads the modules of its layers
    start = time.perf_counter()
    make(name).resolve()
    assert time.perf_counter() - start < 1


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text()))
