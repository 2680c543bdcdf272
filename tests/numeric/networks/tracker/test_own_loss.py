"""A tracker of a user's own loss of batches of any kind: against dense Hessians, and what it refuses."""

import random
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, TensorDataset

from eos_sym import BadInput
from numeric.networks.tracker import SharpnessTracker

INPUTS = torch.randn(22, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
LABELS = torch.arange(22) % 3


def network(*between):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), *between, nn.Tanh(), nn.Linear(6, 3)).double()


def cross_entropy(module, batch):
    inputs, labels = batch
    return functional.cross_entropy(module(inputs), labels)


def batches(size=5, labels=LABELS):
    return [*zip(INPUTS.split(size), labels.split(size), strict=True)]


def top(value, parameters):
    """The top eigenvalue of the dense Hessian of a value by these parameters."""
    slopes = torch.autograd.grad(value, parameters, create_graph=True, materialize_grads=True)
    entries = torch.cat([slope.reshape(-1) for slope in slopes])
    rows = [torch.autograd.grad(entry, parameters, retain_graph=True, materialize_grads=True) for entry in entries]
    return float(torch.linalg.eigvalsh(torch.stack([torch.cat([one.reshape(-1) for one in row]) for row in rows]))[-1])


def read(module, loss=cross_entropy, data=None, **options):
    tracker = SharpnessTracker(module, loss=loss, data=batches() if data is None else data, relative=1e-9, **options)
    return float(tracker.measure().eigenvalues[0])


def refusal(module=None, loss=cross_entropy, data=None, **options):
    with pytest.raises(BadInput) as caught:
        read(module or network(), loss, data, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def full(module):
    return top(functional.cross_entropy(module(INPUTS), LABELS), [*module.parameters()])


# --- what it reads


def generator_function():
    yield from batches()


@pytest.mark.parametrize(
    "data",
    [
        batches(),
        batches(22),
        generator_function,
        DataLoader(TensorDataset(INPUTS, LABELS), batch_size=5, shuffle=True),
        DataLoader(TensorDataset(INPUTS, LABELS), batch_size=5, shuffle=True, generator=torch.Generator()),
    ],
    ids=["list", "one batch", "generator function", "shuffled", "shuffled by a generator of its own"],
)
def test_a_mean_over_batches_is_that_over_all_examples(data):
    module = network()
    assert read(module, data=data) == pytest.approx(full(module), rel=1e-8)


def test_the_history_is_that_of_the_same_loss_as_tensors():
    module = network()
    trackers = [
        SharpnessTracker(module, nn.CrossEntropyLoss(), INPUTS, LABELS, micro_batch=5),
        SharpnessTracker(module, loss=cross_entropy, data=batches()),
    ]
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    for _ in range(4):
        for tracker in trackers:
            tracker.step()
        optimizer.zero_grad()
        cross_entropy(module, (INPUTS, LABELS)).backward()
        optimizer.step()
    one, other = (tracker.history for tracker in trackers)
    for name in ("sharpness", "full_loss", "gradient_norm"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-6)


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = network()

    def forward(self, features, label=None, note=None):
        logits = self.body(features["x"])
        return {"logits": logits, "loss": functional.cross_entropy(logits, label)}


def test_batches_are_of_any_nest_and_a_module_may_return_its_loss():
    module = Nested()
    data = [{"features": {"x": x}, "label": y, "note": ["a"] * len(y)} for x, y in batches()]
    expected = full(module.body)
    assert read(module, None, data) == pytest.approx(expected, rel=1e-8)
    assert read(module, lambda model, batch: SimpleNamespace(**model(**batch)), data) == pytest.approx(
        expected, rel=1e-8
    )
    taking = lambda model, batch: model(batch.pop("features"), batch.pop("label"))  # noqa: E731
    assert read(module, taking, data) == pytest.approx(expected, rel=1e-8)
    assert set(data[0]) == {"features", "label", "note"}


def test_a_module_that_returns_its_loss_of_a_tuple_is_called_with_its_parts():
    class Returns(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = network()

        def forward(self, inputs, labels):
            return functional.cross_entropy(self.body(inputs), labels)

    module = Returns()
    assert read(module, None) == pytest.approx(full(module.body), rel=1e-8)


TEXTS = [torch.randint(7, (length,), generator=torch.Generator().manual_seed(length)) for length in range(3, 15)]


class Language(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.head = nn.Embedding(7, 3), nn.Linear(3, 7)

    def forward(self, tokens):
        return self.head(self.words(tokens.clamp_min(0)).cumsum(1).tanh())


def next_token(model, tokens):
    return functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=-1)


def collate(texts):
    return pad_sequence(texts, batch_first=True, padding_value=-1)


def test_a_mean_over_tokens_of_ragged_texts_is_that_over_all_tokens():
    module = Language().double()
    loader = DataLoader(TEXTS, batch_size=5, shuffle=True, collate_fn=collate)
    counted = read(module, next_token, loader, weight=lambda tokens: (tokens[:, 1:] >= 0).sum())
    terms = [functional.cross_entropy(module(text[None, :-1])[0], text[1:], reduction="sum") for text in TEXTS]
    expected = top(sum(terms) / sum(len(text) - 1 for text in TEXTS), [*module.parameters()])
    assert counted == pytest.approx(expected, rel=1e-8)
    assert "no mean over the examples" in refusal(module, next_token, loader)
    wrong = refusal(module, next_token, loader, weight=lambda tokens: (tokens >= 0).sum())
    assert "no mean over the counts that weight gives" in wrong


def test_a_sum_and_a_mean_over_batches_as_they_are_have_numbers_for_weights():
    module = network()
    summed = lambda model, batch: functional.cross_entropy(model(batch[0]), batch[1], reduction="sum")  # noqa: E731
    assert read(module, summed, weight=1) == pytest.approx(22 * full(module), rel=1e-8)
    terms = [cross_entropy(module, batch) for batch in batches()]
    expected = top(sum(terms) / len(terms), [*module.parameters()])
    assert read(module, weight=1 / len(terms)) == pytest.approx(expected, rel=1e-8)
    assert abs(expected / full(module) - 1) > 1e-3  # the last batch is smaller


def test_one_batch_is_in_memory_at_a_time():
    alive, most = set(), []

    def made():
        for inputs, labels in batches(2):
            batch = {"inputs": inputs.clone(), "labels": labels}
            alive.add(id(batch["inputs"]))
            weakref.finalize(batch["inputs"], alive.discard, id(batch["inputs"]))
            most.append(len(alive))
            yield batch

    tracker = SharpnessTracker(network(), loss=lambda model, batch: cross_entropy(model, (*batch.values(),)), data=made)
    tracker.measure()
    assert max(most) <= 3  # the sample, the one that was used and the one that comes, of eleven
    assert not alive


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("2.*", ["2.weight", "2.bias"]),
        (["0.weight", "*.bias"], ["0.weight", "0.bias", "2.bias"]),
        (lambda name, own: own.ndim > 1, ["0.weight", "2.weight"]),
    ],
    ids=["a pattern", "names", "a function"],
)
def test_of_chosen_parameters_the_hessian_is_their_block(chosen, names):
    module = network()
    own = [parameter for name, parameter in module.named_parameters() if name in names]
    expected = top(functional.cross_entropy(module(INPUTS), LABELS), own)
    assert read(module, parameters=chosen) == pytest.approx(expected, rel=1e-8)
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), INPUTS, LABELS, parameters=chosen, relative=1e-9)
    assert [*tracker.loss.trainable] == names
    assert float(tracker.measure().eigenvalues) == pytest.approx(expected, rel=1e-8)
    with pytest.raises(BadInput, match="a forecast is of all that is trained"):
        tracker.forecast()


def test_what_is_trained_in_a_loss_that_is_a_module_is_trained_with_the_rest():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.full((), 0.5, dtype=torch.float64))

        def forward(self, model, batch):
            return functional.cross_entropy(model(batch[0]) * self.scale, batch[1])

    module, loss = network(), Scaled()
    expected = top(loss(module, (INPUTS, LABELS)), [*module.parameters(), loss.scale])
    assert read(module, loss) == pytest.approx(expected, rel=1e-8)
    only = top(loss(module, (INPUTS, LABELS)), [loss.scale])
    assert read(module, loss, parameters="loss.*") == pytest.approx(only, rel=1e-8)


@pytest.mark.parametrize("own", [False, True])
def test_a_module_in_training_is_read_in_evaluation_mode_and_trains_on_as_before(own):
    module = network(nn.BatchNorm1d(6).double(), nn.Dropout(0.5))
    module(INPUTS)
    data = {"loss": cross_entropy, "data": batches()} if own else {}
    tensors = () if own else (nn.CrossEntropyLoss(), INPUTS, LABELS)
    tracker = SharpnessTracker(module, *tensors, **data, mode="eval", relative=1e-9)
    buffers = {name: value.clone() for name, value in module.named_buffers()}
    state = torch.get_rng_state()
    found = float(tracker.measure().eigenvalues)
    assert all(part.training for part in module.modules())
    assert all(torch.equal(value, buffers[name]) for name, value in module.named_buffers())
    assert torch.equal(torch.get_rng_state(), state)
    module.eval()
    assert found == pytest.approx(full(module), rel=1e-8)
    with pytest.raises(BadInput, match=r"the full-batch loss is random|normalizes every"):
        SharpnessTracker(module.train(), *tensors, **data)


def test_a_loader_gives_training_the_same_batches_as_without_a_tracker():
    def train(tracked, generator):
        torch.manual_seed(3)
        module, own = network(), torch.Generator().manual_seed(5) if generator else None
        loader = DataLoader(TensorDataset(INPUTS, LABELS), batch_size=4, shuffle=True, generator=own)
        tracker = SharpnessTracker(module, loss=cross_entropy, data=loader) if tracked else None
        optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
        for batch in loader:
            if tracker:
                tracker.step()
            optimizer.zero_grad()
            cross_entropy(module, batch).backward()
            optimizer.step()
        return nn.utils.parameters_to_vector(module.parameters()), torch.rand(1)

    for generator in (False, True):
        for one, other in zip(train(True, generator), train(False, generator), strict=True):
            assert torch.equal(one, other)


# --- what it refuses


class Augmented(torch.utils.data.Dataset):
    def __len__(self):
        return 22

    def __getitem__(self, index):
        return INPUTS[index] + 0.1 * random.random(), LABELS[index]


def test_data_that_are_not_the_same_in_another_walk_are_refused_with_the_cause():
    examples = TensorDataset(INPUTS, LABELS)
    dropping = DataLoader(examples, batch_size=5, shuffle=True, drop_last=True)
    assert "it shuffles with drop_last=True" in refusal(data=dropping)
    drawn = DataLoader(examples, batch_size=5, sampler=torch.utils.data.RandomSampler(examples, replacement=True))
    assert "draws examples with replacement" in refusal(data=drawn)
    assert "its examples change from walk to walk (random augmentation" in refusal(data=DataLoader(Augmented(), 5))
    left = iter(batches())
    assert "found 0 batches that count for 0, the first 5 for 22" in refusal(data=lambda: left)
    assert read(network(), data=DataLoader(examples, batch_size=5, drop_last=True)) > 0  # always the same ones


def test_data_that_grow_during_training_are_noticed():
    data = batches()
    tracker = SharpnessTracker(network(), loss=cross_entropy, data=data)
    data.append(data[0])
    with pytest.raises(BadInput, match="found 6 batches that count for 27, the first 5 for 22"):
        tracker.measure()


def test_data_that_cannot_be_walked_through_again_are_refused():
    assert "generator is an iterator, which can be walked through once; give the function" in refusal(
        data=generator_function()
    )
    assert "is an iterator" in refusal(data=iter(batches()))
    assert "there are no batches in it; give at least one" in refusal(data=[])
    dropped = DataLoader(TensorDataset(INPUTS, LABELS), batch_size=50, drop_last=True)
    assert "there are no batches in it; give drop_last=False, or a smaller batch_size" in refusal(data=dropped)
    assert "give what batches can be taken from, not int" in refusal(data=3)
    assert "examples one by one" in refusal(data=TensorDataset(INPUTS, LABELS))
    assert "is one tensor" in refusal(data=INPUTS)
    assert "is one dictionary: give [batch]" in refusal(data={"x": INPUTS, "y": LABELS})
    assert "is a tuple of tensors: give [data] if it is one batch" in refusal(data=(INPUTS, LABELS))
    workers = DataLoader(TensorDataset(INPUTS, LABELS), batch_size=5, num_workers=1, persistent_workers=True)
    assert "persistent_workers=True has one walk at a time" in refusal(data=workers)
    sampler = torch.utils.data.DistributedSampler(TensorDataset(INPUTS), num_replicas=2, rank=0)
    assert "gives every rank a part" in refusal(data=DataLoader(TensorDataset(INPUTS, LABELS), 5, sampler=sampler))


class Singly(torch.utils.data.IterableDataset):
    """Examples one by one, of a label or of three targets."""

    def __init__(self, targets):
        self.targets = targets

    def __iter__(self):
        yield from zip(INPUTS, self.targets, strict=True)


def test_examples_one_by_one_are_told_to_be_put_into_batches():
    """Wrong program: one that takes the four numbers of an input for four examples."""
    for data in (Singly(LABELS), [*zip(INPUTS, LABELS, strict=True)], [*zip(INPUTS, LABELS.tolist(), strict=True)]):
        assert "examples one by one: give a DataLoader of them, with a batch_size" in refusal(data=data)
        module = network()
        assert read(module, data=DataLoader(data, batch_size=5)) == pytest.approx(full(module), rel=1e-8)
    targets = torch.rand(22, 3, dtype=torch.float64)
    apart = lambda model, batch: functional.mse_loss(model(batch[0]), batch[1])  # noqa: E731
    assert "or if it is one example a DataLoader of them" in refusal(loss=apart, data=Singly(targets))
    module = network()
    assert read(module, data=Singly(LABELS), weight=1 / 22, loss=single) == pytest.approx(full(module), rel=1e-8)


def single(module, example):
    return functional.cross_entropy(module(example[0])[None], torch.as_tensor(example[1])[None])


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), functional.cross_entropy], ids=["module", "function"])
def test_a_criterion_of_torch_s_is_a_loss_of_pairs(loss):
    module = network()
    loader = DataLoader(TensorDataset(INPUTS, LABELS), batch_size=5, shuffle=True)
    assert read(module, loss, loader) == pytest.approx(full(module), rel=1e-8)
    tracker = SharpnessTracker(module, loss, data=loader, relative=1e-9)
    assert float(tracker.measure().eigenvalues[0]) == pytest.approx(full(module), rel=1e-8)
    assert "a criterion is of batches (inputs, targets), not a dict: give loss" in refusal(
        loss=loss, data=[{"x": INPUTS}]
    )


def test_pairs_are_looked_at_as_tensors_are():
    torch.manual_seed(0)
    module, targets = nn.Linear(4, 1).double(), torch.rand(22, dtype=torch.float64)
    loader = DataLoader(TensorDataset(INPUTS, targets), batch_size=11)
    with pytest.raises(BadInput, match="every output is compared with every target"):
        SharpnessTracker(module, lambda one, other: (one - other).square().mean(), data=loader)
    with pytest.raises(BadInput, match="label 5 of example 0: the module has outputs for labels 0 to 2"):
        SharpnessTracker(network(), nn.CrossEntropyLoss(), data=[(INPUTS, LABELS + 5)])


def test_what_is_trained_in_a_criterion_of_pairs_is_read():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(1.5, dtype=torch.float64))

        def forward(self, outputs, labels):
            return functional.cross_entropy(self.scale * outputs, labels)

    module, criterion = network(), Scaled()
    tracker = SharpnessTracker(module, criterion, data=batches(), relative=1e-9)
    expected = top(criterion(module(INPUTS), LABELS), [*module.parameters(), criterion.scale])
    assert float(tracker.measure().eigenvalues[0]) == pytest.approx(expected, rel=1e-8)


def test_batches_whose_examples_cannot_be_counted_ask_for_their_weight():
    data = [(x, y, torch.arange(4)) for x, y in batches(6)]
    loss = lambda model, batch: cross_entropy(model, batch[:2])  # noqa: E731
    assert "cannot be counted" in refusal(loss=loss, data=data)
    module = network()
    assert read(module, loss, data, weight=lambda batch: len(batch[1])) == pytest.approx(full(module), rel=1e-8)
    whole = [(INPUTS, LABELS, torch.arange(4))]
    assert read(module, loss, whole) == pytest.approx(full(module), rel=1e-8)  # of one batch there is nothing to count


def test_a_batch_that_counts_for_nothing_is_left_out():
    module, labels = network(), torch.where(torch.arange(22) < 5, -100, LABELS)
    found = read(module, data=batches(labels=labels), weight=lambda batch: (batch[1] >= 0).sum())
    expected = top(functional.cross_entropy(module(INPUTS[5:]), LABELS[5:]), [*module.parameters()])
    assert found == pytest.approx(expected, rel=1e-8)
    assert "the batches count for nothing" in refusal(module, weight=lambda batch: 0)
    assert "counts -1.0 in a batch" in refusal(module, weight=lambda batch: -1)


def test_losses_that_are_no_mean_over_their_examples_are_refused():
    summed = lambda model, batch: functional.cross_entropy(model(batch[0]), batch[1], reduction="sum")  # noqa: E731
    assert "weight=1 if it is a sum" in refusal(loss=summed)
    classes = torch.tensor([1.0, 1.0, 9.0]).double()
    weighed = lambda model, batch: functional.cross_entropy(model(batch[0]), batch[1], classes)  # noqa: E731
    assert "(tokens, labels, class weights)" in refusal(loss=weighed)
    module = network()
    found = read(module, weighed, weight=lambda batch: classes[batch[1]].sum())
    assert found == pytest.approx(top(weighed(module, (INPUTS, LABELS)), [*module.parameters()]), rel=1e-8)
    compared = lambda model, batch: (model(batch[0]) @ model(batch[0]).T).logsumexp(1).mean()  # noqa: E731
    assert "weight=1/len(data) for the mean over the batches as they are" in refusal(loss=compared)
    assert read(module, compared, weight=1 / 5) > 0
    assert "BatchNorm1d '1' normalizes every" in refusal(network(nn.BatchNorm1d(6).double()))


def test_losses_that_are_no_function_of_the_weights_or_wrongly_differentiated_are_refused():
    noisy = lambda model, batch: cross_entropy(model, batch) * (1 + 0.1 * torch.rand(()))  # noqa: E731
    assert "the loss draws random numbers; draw them once, before" in refusal(loss=noisy)
    assert "Dropout '1' draws random numbers; give the tracker mode='eval'" in refusal(network(nn.Dropout(0.2)))
    held = lambda model, batch: cross_entropy(model, batch) * model[0].weight.detach().square().sum()  # noqa: E731
    assert "something in it is held constant" in refusal(loss=held)
    outside = nn.Parameter(torch.ones(3).double())
    other = lambda model, batch: functional.cross_entropy(model(batch[0]) * outside, batch[1])  # noqa: E731
    assert "trained parameters that neither module nor loss has" in refusal(loss=other)
    assert "the loss gives a dict: must be a tensor" in refusal(loss=lambda model, batch: {"logits": model(batch[0])})
    assert "the loss gives a float" in refusal(loss=lambda model, batch: float(cross_entropy(model, batch).detach()))
    assert "the loss gives a NoneType: must be a tensor" in refusal(loss=lambda model, batch: None)
    assert "a tensor of shape (5, 3)" in refusal(loss=lambda model, batch: model(batch[0]))
    assert "module and loss fail on these examples: KeyError 'x'" in refusal(
        loss=lambda model, batch: model(batch["x"]).mean(), data=[{"y": x} for x, _ in batches()]
    )


def test_a_module_that_is_trained_by_a_closure_is_read_like_any_other():
    module = network()
    assert read(module, lambda _model, batch: cross_entropy(module, batch)) == pytest.approx(full(module), rel=1e-8)


@pytest.mark.parametrize(
    ("arguments", "options", "given"),
    [
        ((), {}, "none of them"),
        ((), {"loss": cross_entropy}, "loss"),
        ((nn.MSELoss(),), {"loss": cross_entropy, "data": batches()}, "criterion, loss, data"),
        ((nn.MSELoss(), INPUTS), {}, "criterion, inputs"),
        ((), {"loss": cross_entropy, "data": batches(), "micro_batch": 3}, "micro_batch, loss, data"),
    ],
)
def test_either_tensors_or_batches_are_given(arguments, options, given):
    with pytest.raises(BadInput, match=f"give either criterion, inputs and targets, or data.*; given: {given}$"):
        SharpnessTracker(network(), *arguments, **options)


def test_arguments_that_mean_nothing_are_refused():
    assert "parameters: nothing trained is called '1.*'; there are 0.weight" in refusal(parameters=["0.*", "1.*"])
    assert "parameters: must be a function of a name and a parameter" in refusal(parameters=lambda name: True)
    assert "none of those that are trained is chosen" in refusal(parameters=lambda name, own: False)
    assert "parameters: must be names" in refusal(parameters=3)
    assert "parameters: give names" in refusal(parameters=[3])
    assert "mode = 'test': must be 'train' or 'eval'" in refusal(mode="test")
    assert "loss: must be a function of module and batch, not Tensor" in refusal(loss=INPUTS)
    assert "weight = 0: must be positive" in refusal(weight=0)


def test_a_forecast_of_batches_is_refused_with_the_remedy():
    tracker = SharpnessTracker(network(), loss=cross_entropy, data=batches())
    with pytest.raises(BadInput, match="make a tracker with criterion, inputs and targets; gather"):
        tracker.forecast(eta=0.1)
