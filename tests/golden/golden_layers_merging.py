"""layers_merging.json: the layers that merge several inputs into one. See layer_case.py for what a case holds."""

from common import draw, generator, use_precision, versions, write

import numpy as np
from keras import layers

import layer_case

use_precision("float64")

CASES = {}


def mask(name, shape):
    return generator(f"mask_{name}").integers(0, 2, shape).astype(np.float64)


def add(name, layer_class, inputs, masks=None, **options):
    layer_case.add_case(CASES, name, getattr(layers, layer_class)(**options), inputs, options, masks=masks)


ELEMENTWISE = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]
for kind in ELEMENTWISE:
    low = kind.lower()
    several = 1 if kind == "Subtract" else 2
    full, steps = (3, 4, 5), (3, 4)
    add(low, kind, [full, full])
    add(f"{low}_rank2", kind, [(4, 5), (4, 5)])
    add(f"{low}_rank4", kind, [(2, 3, 4, 5), (2, 3, 4, 5)])
    add(f"{low}_step", kind, [full, (3, 1, 5)])
    add(f"{low}_feature", kind, [(3, 4, 1), full])
    add(f"{low}_outer", kind, [(3, 4, 1), (3, 1, 5)])
    add(f"{low}_ranks", kind, [(3, 5), full])
    add(f"{low}_ranks4", kind, [(2, 3, 4, 5), (2, 1, 5)])
    if kind != "Subtract":
        add(f"{low}_three", kind, [full, full, full])
        add(f"{low}_four_shapes", kind, [(3, 1, 5), full, (3, 4, 1), (3, 5)])
    # Equal values, at 0, where no gradient is compared with a difference.
    rng = generator(f"{low}_ties")
    ties = [draw(rng, full) for _ in range(several + 1)]
    for k, x in enumerate(ties):
        x[0] = 0.0
        x[1, 1] = 0.0
        if k > 0:
            x[2, 2] = 0.0
    add(f"{low}_ties", kind, ties)

    both = [mask(f"{low}_a", steps), mask(f"{low}_b", steps)]
    both[0][1] = both[1][1] = 0.0
    both[0][2] = 0.0
    add(f"{low}_masked", kind, [full, full], masks=both)
    add(f"{low}_first_masked", kind, [full, full], masks=[both[0], None])
    add(f"{low}_second_masked", kind, [full, full], masks=[None, both[1]])
    add(f"{low}_masked_feature", kind, [full, (3, 4, 1)], masks=both)
    if kind != "Subtract":
        third = mask(f"{low}_c", steps)
        third[1] = 0.0
        add(f"{low}_three_masked", kind, [full, full, full], masks=[*both, third])
        add(f"{low}_two_of_three_masked", kind, [full, full, full], masks=[both[0], None, third])

for axis in [1, 2, -1, -2]:
    add(f"concatenate_axis{axis}", "Concatenate", [(3, 4, 5), (3, 4, 5)], axis=axis)
add("concatenate", "Concatenate", [(3, 4, 5), (3, 4, 2)])
add("concatenate_three", "Concatenate", [(3, 4, 1), (3, 4, 2), (3, 4, 7)])
add("concatenate_steps", "Concatenate", [(3, 1, 5), (3, 6, 5), (3, 2, 5)], axis=1)
add("concatenate_rank2", "Concatenate", [(3, 4), (3, 1)])
add("concatenate_rank4", "Concatenate", [(2, 3, 4, 5), (2, 3, 1, 5)], axis=2)
add("concatenate_one_sample", "Concatenate", [(1, 4, 5), (1, 4, 2)])
two = [mask("concatenate_a", (3, 4)), mask("concatenate_b", (3, 4))]
two[0][1] = two[1][1] = 0.0
add("concatenate_masked", "Concatenate", [(3, 4, 5), (3, 4, 2)], masks=two)
add("concatenate_first_masked", "Concatenate", [(3, 4, 5), (3, 4, 2)], masks=[two[0], None])
add("concatenate_steps_masked", "Concatenate", [(3, 4, 5), (3, 4, 5)], masks=two, axis=1)
add("concatenate_steps_second_masked", "Concatenate", [(3, 2, 5), (3, 4, 5)], masks=[None, two[1]], axis=1)

write("layers_merging", {"versions": versions(), "cases": CASES})
