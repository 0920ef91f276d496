"""The catalogue of error and warning codes; each has a page ``docs/errors/CODE.md``."""

from __future__ import annotations

TITLES: dict[str, str] = {
    # SP: descriptions
    "SP001": "the file can't be parsed",
    "SP002": "unknown setting",
    "SP003": "unknown type",
    "SP004": "wrong value",
    "SP005": "a setting is missing",
    "SP006": "a key stands twice",
    "SP007": "no such path",
    "SP008": "a component can't be registered",
    "SP009": "a component can't be written to a file",
    "SP010": "a description can't be read",
    # NN: networks
    "NN001": "the layer does not take this shape",
    "NN002": "the window does not fit into its input",
    "NN003": "the inputs of a vertex don't agree",
    "NN004": "the graph is not connected",
    "NN005": "two layers have the same name",
    "NN006": "the graph has a cycle",
    "NN007": "the network has no input shape",
    "NN008": "the sizes don't multiply out",
    "NN009": "the length of the sequence must be known",
    # EN: engine
    "EN001": "two modules run the same layer",
    "EN002": "nothing runs this layer",
    # EN030+: activations, initialisers, losses, noise, constraints
    "EN030": "two functions compute the same component",
    "EN031": "nothing computes this component",
    "EN032": "the initialiser does not fit the parameter",
    "EN033": "output units do not match the labels",
    "EN034": "a label is out of range",
    "EN035": "the loss can't judge these targets",
    "EN036": "the loss has no value for a single sample",
    "EN037": "the loss can't judge this output",
    # TR050+: the trainer and recipes
    "TR050": "another number of threads",
    "TR051": "the checkpoint is of another kind of run",
    "TR052": "an evaluation fits none of the targets",
    "TR053": "an output has no target",
    "TR054": "the output does not match the labels",
    "TR055": "there is no such metric",
    # AR020+: archives and models
    "AR020": "the archive can't be written",
    "AR021": "this is no Lamina archive",
    "AR022": "the archive is damaged",
    "AR023": "the archive holds what it must not",
    "AR024": "the archive is of a later format",
    "AR025": "weights and network don't belong together",
    "AR026": "the archive needs a component that isn't here",
    # EV: evaluation
    "EV001": "a label is out of range",
    "EV002": "the predictions are not probabilities",
    "EV003": "a prediction is not a finite number",
    "EV004": "predictions and targets don't fit together",
    "EV005": "these evaluations can't be merged",
    "EV006": "some classes were never seen or never predicted",
    "EV007": "there is nothing to evaluate",
    "EV008": "the evaluation does not fit the target",
    "EV009": "no such metric",
    "EV010": "the sample weights can't be used",
    "EV011": "a target is not valid",
    "EV012": "a metric is undefined on this data",
}
"""Code to title. A test holds that every code used is here, and every code here has its page."""
