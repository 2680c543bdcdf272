"""What a sharpness tracker refuses, each in one line, and what it must not refuse."""

import itertools
import random
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from torch import nn
from torch.nn import functional

from eos_sym import BadInput
from numeric.networks.tracker import SharpnessTracker, check_evaluation, checked_loss, enough_memory
from numeric.networks.tracker.checks import check_start
from numeric.networks.tracker.exact_copy import exact_copy

LABELS = torch.arange(20) % 3


def data(examples=20, inputs=4, outputs=3):
    generator = torch.Generator().manual_seed(1)
    return (torch.randn(examples, width, generator=generator, dtype=torch.float64) for width in (inputs, outputs))


def network(*between, outputs=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), *between, nn.Linear(6, outputs)).double()


def check(module, criterion=None, targets=None, micro_batch=None, inputs=None, weight=None):
    own_inputs, values = data()
    inputs = own_inputs if inputs is None else inputs
    targets = values if targets is None else targets
    loss = checked_loss(module, criterion or nn.MSELoss(), inputs, targets, micro_batch, weight)
    check_evaluation(loss)
    check_start(loss)


def refusal(*arguments, **named):
    with pytest.raises(BadInput) as caught:
        check(*arguments, **named)
    message = str(caught.value)
    assert "\n" not in message
    return message


class DropPath(nn.Module):
    """Stochastic depth: the whole layer is left out of one evaluation in ten."""

    def forward(self, inputs):
        return inputs * float(torch.rand(()) > 0.1) if self.training else inputs


class PythonNoise(nn.Module):
    """Noise from outside torch."""

    def forward(self, inputs):
        return inputs * (1 + 0.1 * random.random())


class Counts(nn.Module):
    """A layer that depends on how often it has been evaluated."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self, inputs):
        self.count += 1
        return inputs / self.count


class Draws(nn.Module):
    """A layer that draws random numbers and makes nothing of them."""

    def forward(self, inputs):
        torch.rand(3)
        return inputs


class Neighbour(nn.Module):
    """A layer in which an example looks at the one before it in the batch."""

    def forward(self, inputs):
        return inputs + inputs.roll(1, 0)


class Residual(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, inputs):
        return inputs + self.inner(inputs)


# --- what is random


def test_dropout_in_training_mode_is_named_wherever_it_is():
    module = network(nn.Tanh(), Residual(nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.1))))
    message = refusal(module)
    assert "random: Dropout '2.inner.1' draws" in message
    assert ".eval()" in message
    assert "p = 0" in message


def test_dropout_switched_off_is_accepted():
    check(network(nn.Dropout(0.1)).eval())
    check(network(nn.Dropout(0.0)))


def test_a_layer_that_is_left_out_now_and_then_is_random():
    assert "DropPath '1' draws random numbers" in refusal(network(DropPath()))
    check(network(DropPath()).eval())


def test_functional_dropout_is_named_by_the_module_that_calls_it():
    attention = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True)
    attention.self_attn.dropout = 0.2
    assert "MultiheadAttention '1.self_attn' draws" in refusal(network(attention))


def test_a_criterion_that_draws_random_numbers_is_named():
    noisy = lambda outputs, targets: ((outputs - targets + 0.1 * torch.randn_like(targets)) ** 2).mean()  # noqa: E731
    assert "the criterion draws random numbers; draw them once, before" in refusal(network(), noisy)


def test_random_numbers_that_do_not_matter_are_accepted():
    check(network(Draws()))


class Drops(nn.Module):
    """A layer left out in one of five evaluations, by a generator of somebody else's."""

    def __init__(self, draw):
        super().__init__()
        self.draw = draw

    def forward(self, inputs):
        return inputs * (self.draw() > 0.2)


@pytest.mark.parametrize(
    "draw",
    [random.random, np.random.rand, np.random.default_rng(0).random, random.Random(0).random],
    ids=["python", "numpy", "numpy's own", "python's own"],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_layer_left_out_by_a_generator_outside_torch_is_random(draw, seed):
    random.seed(seed)
    np.random.seed(seed)
    assert "Drops '1' draws random numbers" in refusal(network(Drops(draw)))


class Accumulates(nn.Module):
    """A layer that adds up its inputs' means in an array that is no buffer, and makes nothing of them."""

    def __init__(self):
        super().__init__()
        self.sum = torch.zeros(6, dtype=torch.float64)

    def forward(self, inputs):
        self.sum += inputs.detach().mean(0)
        return inputs


def test_noise_from_outside_torch_and_modules_that_evaluation_changes_are_refused():
    assert "PythonNoise '1' draws random numbers; draw them once, before" in refusal(network(PythonNoise()))
    message = refusal(network(Counts()))
    assert "the loss is another when it is evaluated again: evaluating the module changes it" in message
    assert message.endswith("count or draw outside of it, in the training loop")
    assert "changes its '1.sum' in place: make it a buffer" in refusal(network(Accumulates()))


def test_the_remedy_is_that_for_what_is_found():
    """Wrong program: one that tells to switch dropout off where a loss counts its calls."""
    calls = []

    def counting(outputs, targets):
        calls.append(None)
        return len(calls) * ((outputs - targets) ** 2).mean()

    message = refusal(network(), counting)
    assert "a global counter" in message
    assert message.endswith("count or draw outside of it, in the training loop")
    only_in_training = refusal(network(DropPath()))
    assert "mode='eval'" in only_in_training


def test_a_count_that_is_kept_outside_the_module_is_refused():
    calls = itertools.count(1)
    counting = lambda outputs, targets: (1 + 0.1 * next(calls)) * functional.mse_loss(outputs, targets)  # noqa: E731
    assert "changes what is no attribute of the module" in refusal(network(), counting)


# --- what couples examples


@pytest.mark.parametrize("options", [{}, {"track_running_stats": False}])
def test_batch_normalization_in_training_mode_has_a_full_batch_but_no_micro_batches(options):
    check(network(nn.BatchNorm1d(6, **options)))
    check(network(nn.BatchNorm1d(6, **options)), micro_batch=20)
    message = refusal(network(nn.BatchNorm1d(6, **options)), micro_batch=7)
    assert "BatchNorm1d '1' normalizes every micro-batch by itself" in message
    assert "leave micro_batch out" in message


def test_batch_normalization_by_its_running_statistics_is_accepted_in_micro_batches():
    check(network(nn.BatchNorm1d(6)).eval(), micro_batch=7)
    assert "BatchNorm1d" in refusal(network(nn.BatchNorm1d(6, track_running_stats=False)).eval(), micro_batch=7)


def test_normalizations_of_single_examples_are_accepted_in_micro_batches():
    check(network(nn.LayerNorm(6), nn.GroupNorm(2, 6)), micro_batch=1)


def test_examples_that_look_at_each_other_have_no_micro_batches():
    assert "depends on the examples beside it" in refusal(network(Neighbour()), micro_batch=6)
    check(network(Neighbour()))


# --- what micro-batches make up


@pytest.mark.parametrize("norm", [(), (nn.BatchNorm1d(6),)])
def test_a_sum_over_examples_in_micro_batches_asks_for_its_weight(norm):
    module, criterion = network(*norm).eval(), nn.MSELoss(reduction="sum")
    assert "the criterion adds up the examples; give weight=1" in refusal(module, criterion, micro_batch=5)
    check(module, criterion, micro_batch=5, weight=1)
    check(module, criterion, micro_batch=7, weight=1 / 20)  # divided by their number, as in the literature's code
    check(module, criterion)  # of the full batch the loss is what the criterion says
    check(module, nn.MSELoss(), micro_batch=7)
    assert "takes the mean over the examples; leave weight out" in refusal(module, micro_batch=5, weight=1)


def test_a_loss_for_every_example_is_no_scalar():
    message = refusal(network(), nn.MSELoss(reduction="none"))
    assert "a tensor of shape (20, 3)" in message
    assert "reduction='mean'" in message


def test_a_number_and_a_detached_loss_have_no_gradient():
    assert "the criterion gives a float" in refusal(network(), lambda outputs, targets: float(outputs.detach().mean()))
    assert "does not depend on the module's parameters" in refusal(network(), lambda o, t: o.detach().square().mean())


CLASS_WEIGHTS = torch.tensor([1.0, 1.0, 9.0], dtype=torch.float64)
SOME_IGNORED = torch.where(torch.arange(20) % 7 < 3, -100, LABELS)


@pytest.mark.parametrize(
    ("criterion", "labels", "weight"),
    [
        (nn.CrossEntropyLoss(weight=CLASS_WEIGHTS), LABELS, lambda labels: CLASS_WEIGHTS[labels].sum()),
        (nn.CrossEntropyLoss(weight=CLASS_WEIGHTS), LABELS.sort().values, lambda labels: CLASS_WEIGHTS[labels].sum()),
        (nn.CrossEntropyLoss(), SOME_IGNORED, lambda labels: (labels >= 0).sum()),
        (nn.CrossEntropyLoss(), SOME_IGNORED.sort().values, lambda labels: (labels >= 0).sum()),
    ],
    ids=["class weights", "sorted classes", "ignored labels", "micro-batches that are ignored"],
)
@pytest.mark.parametrize("micro_batch", [1, 2, 7, 19])
def test_means_over_what_examples_do_not_have_alike_ask_for_what_to_count(criterion, labels, weight, micro_batch):
    assert "does not weigh every example alike" in refusal(network(), criterion, labels, micro_batch=micro_batch)
    check(network(), criterion, labels)
    check(network(), criterion, labels, micro_batch=micro_batch, weight=weight)
    wrong = lambda labels: len(labels) ** 2  # noqa: E731
    if micro_batch not in (1, 2):  # of which all have the same number
        assert "does not weigh every example alike" in refusal(network(), criterion, labels, micro_batch, weight=wrong)


@pytest.mark.parametrize(("off", "near"), [(1e-6, True), (1e-3, False)])
def test_weights_may_be_off_by_the_rounding_of_a_sum_in_single_precision(off, near):
    weigh = lambda labels: len(labels) * (1 + off * (len(labels) < 7))  # noqa: E731  # of the last, smaller micro-batch
    if near:
        check(network(), nn.CrossEntropyLoss(), LABELS, 7, weight=weigh)
    else:
        assert "leave weight out" in refusal(network(), nn.CrossEntropyLoss(), LABELS, 7, weight=weigh)


def test_micro_batches_that_have_the_same_class_weights_by_chance_make_up_the_full_batch():
    check(network(), nn.CrossEntropyLoss(weight=CLASS_WEIGHTS), LABELS, micro_batch=10)  # 34 and 34


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_example_among_thousands_that_counts_otherwise_is_noticed(dtype):
    inputs, labels = next(data(6000)).to(dtype), torch.arange(6000) % 3
    labels[150] = -100
    message = refusal(network().to(dtype), nn.CrossEntropyLoss(), labels, micro_batch=1000, inputs=inputs)
    assert "does not weigh every example alike" in message


@pytest.mark.parametrize(
    "outputs_of",
    [
        lambda outputs: (outputs, outputs.sum()),
        lambda outputs: {"logits": outputs},
        lambda outputs: outputs.reshape(-1),
    ],
    ids=["tuple", "dict", "flat"],
)
def test_what_a_module_gives_makes_no_difference(outputs_of):
    class Gives(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network()

        def forward(self, inputs):
            return outputs_of(self.inner(inputs))

    def criterion(outputs, labels):
        tensors = outputs.values() if isinstance(outputs, dict) else outputs
        logits = outputs if isinstance(outputs, torch.Tensor) else next(iter(tensors))
        return functional.cross_entropy(logits.reshape(-1, 3), labels)

    count = lambda labels: (labels >= 0).sum()  # noqa: E731
    assert "does not weigh every example alike" in refusal(Gives(), criterion, SOME_IGNORED, 7)
    check(Gives(), criterion, SOME_IGNORED)
    check(Gives(), criterion, SOME_IGNORED, 7, weight=count)
    check(Gives(), criterion, LABELS, 7)


def test_without_memory_for_all_at_once_other_micro_batches_are_compared(monkeypatch):
    for free in (1e5, 1e3):  # a quarter holds some examples, or none
        monkeypatch.setattr(psutil, "virtual_memory", lambda free=free: SimpleNamespace(available=free))
        check(network(), nn.MSELoss(), micro_batch=3)
        assert "adds up" in refusal(network(), nn.MSELoss(reduction="sum"), micro_batch=3)
        assert "give weight" in refusal(network(), nn.CrossEntropyLoss(), SOME_IGNORED.sort().values, 3)


def test_micro_batches_that_come_to_differ_are_noticed_from_time_to_time():
    module, (inputs, values) = network(), data()

    def bounded(outputs, targets):
        return (outputs - targets).square().mean() + 0.1 * functional.relu(outputs.mean() - 1) ** 2

    tracker = SharpnessTracker(module, bounded, inputs, values + 3, micro_batch=7)
    tracker.step()
    with torch.no_grad():
        module[-1].bias += 3  # to where the term that compares the examples sets in
    with pytest.raises(BadInput, match="does not weigh every example alike"):
        tracker.step()


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (0, "weight = 0: must be positive"),
        ("many", "weight = 'many': must be a number"),
        (lambda targets: -1, "counts -1.0 in a micro-batch's targets"),
        (lambda targets: 0, "the targets count for nothing"),
    ],
)
def test_weights_that_are_none_are_refused(weight, said):
    assert said in refusal(network(), weight=weight)


def dense_top(value, parameters):
    """The top eigenvalue of the dense Hessian of a value by these parameters."""
    slopes = torch.autograd.grad(value, parameters, create_graph=True, materialize_grads=True)
    entries = torch.cat([slope.reshape(-1) for slope in slopes])
    rows = [torch.autograd.grad(entry, parameters, retain_graph=True, materialize_grads=True) for entry in entries]
    return float(torch.linalg.eigvalsh(torch.stack([torch.cat([one.reshape(-1) for one in row]) for row in rows]))[-1])


def test_a_penalty_in_the_criterion_is_part_of_the_curvature():
    module, (inputs, values) = network(), data()
    penalized = lambda outputs, targets: (outputs - targets).square().mean() + module[0].weight.pow(4).sum()  # noqa: E731
    tracker = SharpnessTracker(module, penalized, inputs, values, relative=1e-9)
    expected = dense_top(penalized(module(inputs), values), [*module.parameters()])
    assert float(tracker.measure().eigenvalues) == pytest.approx(expected, rel=1e-8)
    assert expected > 1.1 * dense_top(functional.mse_loss(module(inputs), values), [*module.parameters()])
    assert not penalized(module(inputs), values).isnan()  # and the module has its own parameters again


class Tempered(nn.Module):
    """A cross-entropy with a temperature that may be trained."""

    def __init__(self, temperature):
        super().__init__()
        self.temperature = temperature

    def forward(self, outputs, labels):
        return functional.cross_entropy(outputs / self.temperature, labels)


def test_what_is_trained_in_a_criterion_that_is_a_module_is_trained_with_the_rest():
    module, (inputs, _) = network(), data()
    criterion = Tempered(nn.Parameter(torch.full((), 0.3, dtype=torch.float64)))
    tracker = SharpnessTracker(module, criterion, inputs, LABELS, relative=1e-9)
    assert [*tracker.loss.trainable] == [*dict(module.named_parameters()), "criterion.temperature"]
    expected = dense_top(criterion(module(inputs), LABELS), [*module.parameters(), criterion.temperature])
    assert float(tracker.measure().eigenvalues) == pytest.approx(expected, rel=1e-8)
    frozen = Tempered(nn.Parameter(criterion.temperature.detach(), requires_grad=False))
    assert [*SharpnessTracker(module, frozen, inputs, LABELS).loss.trainable] == [*dict(module.named_parameters())]


def test_what_is_trained_and_nobody_has_is_refused():
    module, (inputs, _) = network(), data()
    ones = torch.ones((), dtype=torch.float64)
    for trained in (nn.Parameter(ones), ones.clone().requires_grad_()):
        optimizer = torch.optim.SGD([*module.parameters(), trained], lr=0.1)
        closing = lambda outputs, labels, by=trained: functional.cross_entropy(outputs / by, labels)  # noqa: E731
        with pytest.raises(BadInput, match="trained parameters that neither module nor criterion has"):
            SharpnessTracker(module, closing, inputs, LABELS, optimizer=optimizer)
    tempered = Tempered(ones.clone().requires_grad_())  # an attribute, and no parameter
    assert "neither module nor criterion has" not in str(SharpnessTracker(module, tempered, inputs, LABELS).measure())
    with pytest.raises(BadInput, match="or make the criterion an nn"):
        SharpnessTracker(module, lambda o, t: Tempered(nn.Parameter(ones))(o, t), inputs, LABELS)


def test_a_module_and_a_criterion_with_parameters_of_one_name_ask_for_another():
    class Confused(nn.Module):
        def __init__(self):
            super().__init__()
            self.criterion = Tempered(nn.Parameter(torch.ones((), dtype=torch.float64)))
            self.body = network()

        def forward(self, inputs):
            return self.body(inputs) * self.criterion.temperature

    twice = Tempered(nn.Parameter(torch.ones((), dtype=torch.float64)))
    assert "both have a 'criterion.temperature'" in refusal(Confused(), twice, LABELS)
    module = Confused()
    check(module, module.criterion, LABELS)  # it is the same one


def test_a_copy_in_double_precision_takes_no_criterion_that_uses_weights_itself():
    module, (inputs, values) = network().float(), (one.float() for one in data())
    penalized = lambda outputs, targets: (outputs - targets).square().mean() + module[0].weight.square().sum()  # noqa: E731
    with pytest.raises(BadInput, match=r"the criterion uses .0\.weight. itself"):
        exact_copy(checked_loss(module, penalized, inputs, values))


# --- how it is run


@pytest.fixture
def one_rank():
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def test_a_module_copied_to_several_devices_or_ranks_is_read_without_waiting_for_them(one_rank, monkeypatch):
    module = network(nn.BatchNorm1d(6))
    inputs, values = data()
    expected = SharpnessTracker(module, nn.MSELoss(), inputs, values).measure().eigenvalues
    copied = nn.parallel.DistributedDataParallel(module)
    monkeypatch.setattr(nn.parallel.DistributedDataParallel, "forward", None)  # which waits for the other ranks
    for wrapped in (copied, nn.DataParallel(module)):
        assert torch.equal(SharpnessTracker(wrapped, nn.MSELoss(), inputs, values).measure().eigenvalues, expected)
    assert "waits for the other ranks: give the tracker a module without it" in refusal(nn.Sequential(copied))


def test_normalization_over_ranks_is_refused_where_there_are_several(one_rank, monkeypatch):
    module = network(nn.SyncBatchNorm(6))
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    assert "SyncBatchNorm '1' waits for the other ranks" in refusal(module)
    check(module.eval())


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
def test_scripted_modules_sparse_gradients_and_sparse_data_are_refused_by_name():
    assert "is scripted: give the tracker the module that it was made of" in refusal(torch.jit.script(network()))
    inside = nn.Sequential(nn.Identity(), torch.jit.script(network()))
    assert "RecursiveScriptModule '1' is scripted" in refusal(inside)
    embedding = nn.Sequential(nn.Embedding(5, 3, sparse=True), nn.Flatten()).double()
    assert "build it with sparse=False" in refusal(embedding, nn.CrossEntropyLoss(), LABELS, inputs=LABELS[:, None])
    assert "inputs are sparse: give inputs.to_dense()" in refusal(network(), inputs=next(data()).to_sparse())


def test_two_parameters_in_the_same_memory_are_refused_and_one_in_two_places_is_not():
    module = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Linear(4, 3)).double()
    module[2].weight.data = module[0].weight.data
    assert "'0.weight' and '2.weight' are two parameters in the same memory" in refusal(module)
    module[2].weight = module[0].weight
    check(module)


def test_layers_that_are_used_twice_and_weights_that_are_tied_stay_the_module_s_own():
    layer = nn.Linear(4, 4)
    module = nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), nn.Linear(4, 4), nn.Linear(4, 3)).double()
    module[4].weight = layer.weight
    own, (inputs, values) = list(module.parameters()), data()
    found = float(SharpnessTracker(module, nn.MSELoss(), inputs, values, relative=1e-6).measure().eigenvalues)
    assert all(one is before for one, before in zip(module.parameters(), own, strict=True))
    assert module[0].weight is module[4].weight is own[0]
    slopes = torch.autograd.grad(nn.MSELoss()(module(inputs), values), own, create_graph=True)
    entries = torch.cat([slope.reshape(-1) for slope in slopes])
    rows = [torch.autograd.grad(entry, own, retain_graph=True, materialize_grads=True) for entry in entries]
    dense = torch.stack([torch.cat([piece.reshape(-1) for piece in row]) for row in rows])
    assert found == pytest.approx(float(torch.linalg.eigvalsh(dense)[-1]), rel=1e-6)


def test_layers_in_a_plain_list_are_refused():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers, self.bias = [network()], nn.Parameter(torch.zeros(3, dtype=torch.float64))

        def forward(self, inputs):
            return self.layers[0](inputs) + self.bias

    assert "that neither module nor criterion has: keep them in nn.ModuleList" in refusal(Listed())


def test_lazy_parameters_are_refused():
    assert "call it once before" in refusal(nn.Sequential(nn.LazyLinear(3)))


def test_operations_without_a_second_derivative_are_refused_with_what_to_do():
    distances = lambda outputs, targets: torch.cdist(outputs, targets).mean()  # noqa: E731
    assert "'_cdist_backward' is not implemented: write the operation out" in refusal(network(), distances)


def test_a_forward_pass_in_low_precision_is_refused():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network().float()

        def forward(self, inputs):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.inner(inputs).to(inputs)

    inputs, values = (one.float() for one in data())
    assert "computed in torch.bfloat16 (autocast" in refusal(Mixed(), targets=values, inputs=inputs)


def test_hooks_on_gradients_are_no_part_of_the_loss():
    module, (inputs, values) = network(), data()
    expected = SharpnessTracker(module, nn.MSELoss(), inputs, values).measure().eigenvalues
    for own in module.parameters():
        own.register_hook(lambda slope: slope.clamp(-1e-3, 1e-3))
    assert torch.equal(SharpnessTracker(module, nn.MSELoss(), inputs, values).measure().eigenvalues, expected)


# --- what does not fit


@pytest.mark.parametrize("criterion", [nn.CrossEntropyLoss(), nn.NLLLoss(), functional.cross_entropy])
@pytest.mark.parametrize(("place", "label"), [(13, 3), (4, -1)])
def test_labels_without_an_output_are_refused(criterion, place, label):
    labels = LABELS.clone()
    labels[place] = label
    expected = f"label {label} of example {place}: the module has outputs for labels 0 to 2"
    assert refusal(network(), criterion, labels) == expected


def test_labels_of_a_criterion_of_the_user_s_own_are_refused_too():
    own = lambda outputs, labels: functional.cross_entropy(outputs, labels)  # noqa: E731
    assert "fail on these examples" in refusal(network(), own, LABELS + 1)


@pytest.mark.fault("not a number", "data that a tracker is given", "refused, with the example named")
def test_data_that_are_not_finite_are_refused_by_their_example():
    inputs, targets = data()
    inputs[7, 1] = torch.nan
    assert refusal(network(), inputs=inputs) == "inputs: not finite in example 7"
    targets[3, 0] = torch.inf
    assert refusal(network(), targets=targets) == "targets: not finite in example 3"


def test_a_loss_that_is_not_finite_at_the_start_is_refused():
    module = network()
    nn.init.constant_(module[0].weight, 1e200)
    assert "the loss is inf at the start" in refusal(module)
    assert "the loss is inf at the start" in refusal(module, micro_batch=4)
    # of one example that the sample does not hold
    inputs, _ = data(400)
    targets = torch.zeros(400, 3, dtype=torch.float64)
    inputs[201] = 1e160
    assert "the loss is inf at the start" in refusal(network(), targets=targets, inputs=inputs)


def test_as_many_targets_as_inputs_are_asked_for():
    assert "20 inputs and 19 targets" in refusal(network(), targets=LABELS[:19])


def test_inputs_must_be_a_tensor():
    message = refusal(network(), inputs=[1.0, 2.0])
    assert "inputs: must be a tensor" in message
    assert "not list" in message


def test_precisions_and_devices_that_differ_are_refused():
    inputs, targets = data()
    assert "inputs are torch.float32, the module torch.float64: convert" in refusal(network(), inputs=inputs.float())
    assert "targets are torch.float32" in refusal(network(), targets=targets.float())
    assert "inputs are on meta, the module on cpu: move them" in refusal(network(), inputs=inputs.to("meta"))
    assert "float16 on cpu: must be all float32 or all float64" in refusal(network().half(), inputs=inputs.half())
    mixed = network()
    mixed[0].float()
    assert "float32 on cpu, torch.float64 on cpu" in refusal(mixed)


def test_whole_numbers_are_inputs_of_any_precision():
    module = nn.Sequential(nn.Embedding(5, 6), nn.Flatten(), nn.Linear(12, 3)).double()
    check(module, nn.CrossEntropyLoss(), LABELS, inputs=torch.arange(40).reshape(20, 2) % 5)


def test_shapes_that_do_not_fit_are_told_in_one_line():
    message = refusal(network(), inputs=torch.zeros(20, 9, dtype=torch.float64))
    assert message.startswith("module and criterion fail on these examples: mat1 and mat2 shapes")


def test_a_module_with_nothing_to_train_is_refused():
    assert "no parameter that requires a gradient" in refusal(network().requires_grad_(False))


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_no_memory_is_answered_with_the_micro_batch(error):
    inputs, targets = data()
    loss = checked_loss(network(), nn.MSELoss(), inputs, targets, micro_batch=16)
    expected = "no memory for 16 examples at once: give micro_batch, less than 16"
    with pytest.raises(BadInput, match=expected), enough_memory(loss):
        raise error


def test_a_single_example_that_memory_does_not_hold_has_no_smaller_micro_batch():
    inputs, targets = data()
    loss = checked_loss(network(), nn.MSELoss(), inputs, targets, micro_batch=1)
    expected = "no memory for 1 example at once: take a smaller network, or another device"
    with pytest.raises(BadInput, match=expected), enough_memory(loss):
        raise torch.OutOfMemoryError


@pytest.mark.fault("memory", "a batch of a tracker", "one line with the remedy")
def test_a_batch_larger_than_memory_is_refused():
    class Huge(nn.Linear):
        def forward(self, inputs):
            return super().forward(inputs) + torch.zeros(len(inputs), 3, 1 << 50, dtype=torch.float64).sum(-1)

    assert "no memory for 20 examples at once" in refusal(Huge(4, 3).double())


def test_checking_leaves_no_trace():
    module = network(nn.BatchNorm1d(6), Draws(), Neighbour())
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = torch.get_rng_state()
    check(module)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(own.grad is None for own in module.parameters())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_class_weights_are_noticed_by_the_gradient_where_the_loss_does_not_show_them():
    criterion, module = nn.CrossEntropyLoss(weight=torch.arange(1.0, 4.0, dtype=torch.float64)), network()
    nn.init.zeros_(module[-1].weight)
    nn.init.zeros_(module[-1].bias)  # every example has the loss log 3, so that the means of all parts agree
    assert "does not weigh every example alike" in refusal(module, criterion, LABELS.sort().values, micro_batch=10)


def test_targets_that_would_be_broadcast_against_the_outputs_are_refused():
    targets = torch.randn(20, dtype=torch.float64)
    for criterion in (nn.MSELoss(), nn.HuberLoss(), lambda outputs, given: (outputs - given).abs().mean()):
        assert "reshape the targets" in refusal(network(outputs=1), criterion, targets)


def test_a_criterion_that_makes_the_shapes_fit_or_needs_no_targets_is_accepted():
    for criterion in (
        lambda outputs, given: functional.mse_loss(outputs.squeeze(1), given),
        lambda outputs, given: functional.mse_loss(outputs, given[:, None]),
        lambda outputs, _: outputs.square().mean(),
    ):
        check(network(outputs=1), criterion, torch.zeros(20, dtype=torch.float64))


class Clamped(nn.Module):
    """A layer that clamps its weights when it is evaluated, by way of `.data` or without a gradient."""

    def __init__(self, change):
        super().__init__()
        self.layer, self.change = network(), change

    def forward(self, inputs):
        self.change(self.layer[0].weight)
        return self.layer(inputs)


@torch.no_grad()
def shrink(weight):
    weight.mul_(0.999)


@pytest.mark.parametrize("change", [lambda weight: weight.data.clamp_(-0.1, 0.1), shrink], ids=["data", "no_grad"])
def test_a_module_that_changes_its_weights_when_evaluated_is_refused_and_keeps_them(change):
    module = Clamped(change)
    before = module.layer[0].weight.detach().clone()
    assert "changes its 'layer.0.weight' in place" in refusal(module)
    assert torch.equal(module.layer[0].weight, before)


def test_embeddings_with_a_largest_norm_are_refused():
    torch.manual_seed(0)
    words = nn.Sequential(nn.Embedding(5, 4, max_norm=0.5), nn.Flatten(), nn.Linear(8, 3)).double()
    before = words[0].weight.detach().clone()
    indices = torch.arange(40).reshape(20, 2) % 5
    assert "max_norm" in refusal(words, nn.CrossEntropyLoss(), LABELS, inputs=indices)
    assert torch.equal(words[0].weight, before)


def test_weights_that_are_clamped_where_they_are_already_are_read():
    check(Clamped(lambda weight: weight.data.clamp_(-10, 10)))


def test_a_loss_may_take_derivatives_by_the_weights_themselves():
    class Adapted(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3, bias=False).double()

        def forward(self, inputs):
            loss = self.layer(inputs).square().mean()
            (slope,) = torch.autograd.grad(loss, self.layer.weight, create_graph=True)
            return inputs @ (self.layer.weight - 0.1 * slope).T

    module, (inputs, targets) = Adapted(), data()
    top = float(SharpnessTracker(module, nn.MSELoss(), inputs, targets, relative=1e-9).measure().eigenvalues[0])
    step = torch.eye(4, dtype=torch.float64) - 0.1 * 2 / 60 * inputs.T @ inputs  # the loss is that of weight @ step
    seen = inputs @ step
    assert top == pytest.approx(float(torch.linalg.eigvalsh(2 / 60 * seen.T @ seen)[-1]), rel=1e-8)
