"""The Dirac-GAN: every loss and term against what is derived on paper.

    python benchmarks/proofs/dirac.py

Two weights, one or two more for a bias, played by GAN's own training step. Around the equilibrium
the eigenvalues of the step, from central differences of one step of training, are compared with
closed forms; from (1, 1) the distance to the equilibrium after 500 and 2,000 steps is compared
with the same game written out by hand (dirac_games.py). Takes three minutes and keeps no rows:
it is deterministic.
"""

import dataclasses
import itertools
import sys
import time

import keras
import numpy as np
import rows
import runs
import tables
from absl import app, flags
from dirac_cases import NOT_APPLICABLE, UPDATES, Case, cases
from dirac_games import (
    STEP,
    UNROLLED,
    flow_eigenvalues,
    radius,
    start,
    step_eigenvalues,
    walk,
)

import keras_gan

_MATCHING = flags.DEFINE_string("matching", "", "Play the cases whose title holds this alone.")

STEPS = (500, 2000)
# Of the central differences: a power of 2, which float32 adds without rounding.
PERTURBATION = 2.0**-7
EIGENVALUES_AGREE, RADII_AGREE = 1e-3, 0.02
# Below these float32 has no digits left: of the weights, and of a bias that rests at 1/2 or 1.
SMALLEST, SMALLEST_BIAS = 1e-30, 1e-6
# Beyond it float32 has no numbers left.
LARGEST = float(np.finfo("float32").max)
# On a limit cycle through a kink, rounding grows with the steps: compared to 500 steps alone.
KINKED = {("relativistic average, hinge", "simultaneous")}


class Play:
    """A case as `GAN` plays it.

    Args:
        case: the `Case`.
        update: "simultaneous" or "alternating".
    """

    def __init__(self, case, update):
        self.case, self.update = case, update
        # No latents: the generator's output is its weight times a condition that is always 1.
        self.generator = _line(bias=False)
        self.discriminator = _line(bias=case.game.bias is not None)
        self.model = keras_gan.GAN(self.generator, self.discriminator, latents=None, seed=0)

    def compile(self, **kwargs):
        """Compile the model anew, its terms as new."""
        self.model.compile(
            self.case.game.make(),
            keras.optimizers.SGD(STEP),
            keras.optimizers.SGD(STEP),
            terms=self.case.terms(),
            augmentation=self.case.augmentation(),
            update=self.update,
            unrolled_steps=UNROLLED if self.update == "unrolled" else None,
            **kwargs,
        )
        return self.model

    @property
    def state(self):
        """The weights: (theta, psi) or (theta, psi, b)."""
        networks = self.generator, self.discriminator
        return np.array([w.item() for n in networks for w in n.get_weights()], "float64")

    @state.setter
    def state(self, values):
        variables = self.generator.variables + self.discriminator.variables
        for variable, value in zip(variables, values, strict=True):
            variable.assign(np.full(variable.shape, value))

    def jacobian(self, run_eagerly=False):
        """Return the Jacobian of one training step at the equilibrium, by central differences."""
        model, game = self.compile(run_eagerly=run_eagerly), self.case.game
        real = np.zeros((self.case.batch, 1), "float32")
        ones = np.ones_like(real)
        rest = np.array([0.0, 0.0] + ([game.bias[0]] if game.bias else []))
        # Whatever a step moves beside the weights (counts, seeds, averages) is put back.
        before = [(variable, variable.numpy()) for variable in model.variables]

        def after(state, draw):
            for variable, value in before:
                variable.assign(value)
            model.random_state.step.assign(draw)  # From which a step's noise follows.
            self.state = state
            model.train_on_batch(real, ones)
            return self.state

        def slope(change, draw):
            return (after(rest + change, draw) - after(rest - change, draw)) / (2 * PERTURBATION)

        columns = [
            np.mean([slope(change, draw) for draw in range(self.case.draws)], axis=0)
            for change in PERTURBATION * np.eye(len(rest))
        ]
        return np.stack(columns, axis=1)

    def walk(self):
        """Return the states after 500 and 2,000 steps of `fit` from the start."""
        model, states = self.compile(steps_per_execution=STEPS[0]), []
        self.state = start(self.case.game)[: len(self.state)]
        record = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: states.append(self.state)
        )
        zeros = np.zeros((STEPS[-1] * self.case.batch, 1), "float32")
        model.fit(
            zeros,
            np.ones_like(zeros),
            batch_size=self.case.batch,
            verbose=0,
            callbacks=[record],
        )
        padded = [np.pad(state, (0, 3 - len(state))) for state in states]
        return [padded[steps // STEPS[0] - 1] for steps in STEPS]


def _line(bias):
    layer = keras.layers.Dense(1, use_bias=bias, kernel_initializer="ones")
    return keras.Sequential([keras.Input((1,)), layer])


def farthest(measured, expected):
    """Return the largest difference of two sets of eigenvalues, paired as well as can be."""
    orders = itertools.permutations(measured)
    return min(max(abs(np.array(order) - expected)) for order in orders)


def eigenvalue_error(case, update, jacobian):
    """Return how far the eigenvalues are from the closed form, as eigenvalues of the flow."""
    expected = step_eigenvalues(case.game, case.push, update)
    return farthest(np.linalg.eigvals(jacobian), expected) / STEP


def radius_errors(case, update, states):
    """Return the relative deviation of the radii from those of the game by hand."""
    literal = walk(case.game, case.push, update, STEPS)
    smallest = SMALLEST_BIAS if case.game.bias else SMALLEST
    pairs = list(zip(states, literal, strict=True))
    if (case.title, update) in KINKED:
        pairs = pairs[:1]
    return [
        _deviation(radius(case.game, state), radius(case.game, by_hand), smallest)
        for state, by_hand in pairs
    ]


def _deviation(measured, expected, smallest):
    finite = [value <= LARGEST for value in (measured, expected)]
    if not all(finite):  # Overflow agrees with overflow alone.
        return 0.0 if not any(finite) else np.inf
    return max(0.0, abs(measured - expected) - smallest) / max(expected, smallest)


@dataclasses.dataclass
class Result:
    """What a case came to: its cells, and the largest errors."""

    case: Case
    measured: np.ndarray | None = None
    eigenvalues: float = 0.0
    radii: float = 0.0
    states: dict = dataclasses.field(default_factory=dict)

    @property
    def agrees(self):
        """Whether both errors are within what is asked."""
        return self.eigenvalues <= EIGENVALUES_AGREE and self.radii <= RADII_AGREE


def examine(case):
    """Play a case in both orders of updates."""
    result = Result(case)
    for update in case.updates:
        play = Play(case, update)
        if case.push.damping is not None:
            jacobian = play.jacobian()
            if update != "alternating":
                result.measured = (np.linalg.eigvals(jacobian) - 1) / STEP
            error = eigenvalue_error(case, update, jacobian)
            result.eigenvalues = max(result.eigenvalues, error)
        if case.walks:
            result.states[update] = play.walk()
            errors = radius_errors(case, update, result.states[update])
            result.radii = max(result.radii, *errors)
    return result


def eigenvalue_text(values):
    """Return eigenvalues as on paper: a pair as `-0.15 ± 0.477 i`."""
    values = sorted(values, key=lambda value: (abs(value.imag) < 5e-4, -value.real))
    texts = []
    while values:
        value = values.pop(0)
        if abs(value.imag) >= 5e-4:
            values.pop(0)  # Its conjugate.
            real = f"{value.real:.3g} " if abs(value.real) >= 5e-4 else ""
            texts.append(f"{real}± {abs(value.imag):.3g} i")
        else:
            texts.append(f"{value.real:.3g}" if abs(value.real) >= 5e-4 else "0")
    return ", ".join(texts)


def radius_text(value):
    if not value <= LARGEST:
        return "overflow"
    return "0" if value < SMALLEST else f"{value:.3g}"


def cells(result):
    """Return a case's line of the table."""
    case = result.case
    closed = measured = error = "-"
    if case.push.damping is not None:
        closed = eigenvalue_text(flow_eigenvalues(case.game, case.push))
        measured, error = eigenvalue_text(result.measured), f"{result.eigenvalues:.0e}"
    radii = ["-"] * len(UPDATES)
    if case.walks:
        for i, update in enumerate(case.updates):
            shown = (radius_text(radius(case.game, state)) for state in result.states[update])
            radii[i] = " / ".join(shown)
    deviation = f"{100 * result.radii:.2g} %" if case.walks else "-"
    recorded = [" / ".join(f"{r:g}" for r in case.recorded.get(u, ())) for u in UPDATES]
    return [case.title, closed, measured, error, radii[0], radii[1], deviation, *recorded]


HEAD = [
    "",
    "eigenvalues on paper",
    "measured",
    "largest difference",
    "radius, simultaneous (or unrolled), 500 / 2,000",
    "alternating",
    "largest deviation from the game by hand",
    "on record, simultaneous",
    "alternating",
]


def main(_):
    begun = time.perf_counter()
    chosen, results = [c for c in cases() if _MATCHING.value in c.title], []
    for i, case in enumerate(chosen):
        results.append(examine(case))
        keras.backend.clear_session()
        spent = time.perf_counter() - begun
        left = tables.duration(spent / (i + 1) * (len(chosen) - i - 1))
        print(f"[{i + 1}/{len(chosen)}] {' | '.join(cells(results[-1]))} ({left} left)", flush=True)
    disagree = [result.case.title for result in results if not result.agrees]
    verdict = f"All {len(results)} cases agree" if not disagree else f"NOT: {', '.join(disagree)}"
    parts = [
        tables.lines(HEAD, [cells(result) for result in results]),
        f"{verdict}: eigenvalues to {EIGENVALUES_AGREE:g} in both orders of updates, radii to "
        f"{RADII_AGREE:.0%}.",
        f"{tables.duration(time.perf_counter() - begun)}, float32, step size {STEP}; "
        f"{rows.machine()}; commit {rows.commit()}.",
        "Of these a Dirac-GAN says nothing:\n\n"
        + "\n".join(f"- `{name}`: {reason}." for name, reason in NOT_APPLICABLE.items()),
    ]
    text = "\n\n".join(parts)
    print(text)
    if not _MATCHING.value:
        runs.publish("dirac", text)
    sys.exit(bool(disagree))


if __name__ == "__main__":
    app.run(main)
