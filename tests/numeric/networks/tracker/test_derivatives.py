"""torch's derivatives of a loss are compared with difference quotients: what contradicts them, and what does not."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from eos_sym import BadInput
from numeric.networks.architectures.normalization import LayerNorm
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker import SharpnessTracker, undisturbed
from numeric.networks.tracker.derivatives import check_derivatives


def data(examples=20, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    return (torch.randn(examples, width, generator=generator, dtype=torch.float64).to(dtype) for width in (4, 3))


def network(*between, dtype=torch.float64, width=6):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, width), *between, nn.Tanh(), nn.Linear(width, 3)).to(dtype)


def check(module, criterion=None, dtype=torch.float64):
    with undisturbed(module):
        check_derivatives(FlatLoss(module, *data(dtype=dtype), criterion or nn.MSELoss()))


class Detached(torch.autograd.Function):
    """tanh, whose backward pass multiplies by a number that is detached."""

    @staticmethod
    def forward(ctx, values):
        ctx.slope = 1 - values.tanh() ** 2
        return values.tanh()

    @staticmethod
    def backward(ctx, slopes):
        return slopes * ctx.slope


class Reversed(torch.autograd.Function):
    """The identity, whose gradient is turned round."""

    @staticmethod
    def forward(ctx, values):
        return values.clone()

    @staticmethod
    def backward(ctx, slopes):
        return -slopes


class MeanSquare(torch.autograd.Function):
    """The mean squared error, whose backward pass keeps a number: what a compiled criterion does."""

    @staticmethod
    def forward(ctx, outputs, targets):
        ctx.difference = (outputs - targets).detach()
        return (outputs - targets).square().mean()

    @staticmethod
    def backward(ctx, slope):
        return slope * 2 * ctx.difference / ctx.difference.numel(), None


class Layer(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, values):
        return self.function(values)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kinked", [(), (nn.ReLU(),)], ids=["smooth", "kinked"])
def test_a_backward_pass_without_a_derivative_is_told_from_the_hessian_that_it_loses(dtype, kinked):
    with pytest.raises(BadInput, match=r"Hessian is not the derivative of the gradient.*\(Detached\)"):
        check(network(*kinked, Layer(Detached.apply), dtype=dtype), dtype=dtype)
    with pytest.raises(BadInput, match=r"Hessian is not the derivative of the gradient.*\(MeanSquare\)"):
        check(network(*kinked, dtype=dtype), MeanSquare.apply, dtype)


@pytest.mark.parametrize(
    "function",
    [Reversed.apply, lambda values: values * values.detach(), lambda values: values * values.data.sum(1, keepdim=True)],
    ids=["reversed gradient", "detached", ".data"],
)
def test_a_gradient_that_is_not_that_of_the_loss_is_told_from_the_loss(function):
    with pytest.raises(BadInput, match=r"its gradient says.*held constant"):
        check(network(Layer(function)))


def test_a_hook_that_changes_what_goes_back_is_named():
    module = network()
    module[1].register_full_backward_hook(lambda _part, slopes, _outputs: (0.9 * slopes[0],))
    with pytest.raises(BadInput, match="BackwardHookFunction"):
        check(module)


def test_constants_that_do_not_matter_are_accepted():
    def stable(outputs, targets):
        largest = outputs.max(1, keepdim=True).values.detach()
        return ((outputs - largest).exp().sum(1).log() + largest[:, 0] - (outputs * targets).sum(1)).mean()

    check(network(), stable)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("activation", [nn.ReLU(), nn.LeakyReLU(), nn.Hardtanh(), nn.ELU()])
def test_kinks_contradict_nothing(activation, dtype):
    for width in (3, 300):
        check(network(activation, dtype=dtype, width=width), dtype=dtype)
        check(network(activation, dtype=dtype, width=width), nn.L1Loss(), dtype)


def test_kinks_on_which_the_weights_lie_contradict_nothing():
    module = network(nn.LeakyReLU())
    nn.init.zeros_(module[0].weight)
    nn.init.zeros_(module[0].bias)
    check(module)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_loss_that_is_almost_nothing_contradicts_nothing(dtype):
    inputs, _ = data(dtype=dtype)
    module = network(dtype=dtype)
    with torch.no_grad():
        labels = module(inputs).argmax(1)
        module[-1].weight *= 2000
        module[-1].bias *= 2000
    criterion = lambda outputs, _: functional.cross_entropy(outputs, labels)  # noqa: E731
    assert float(criterion(module(inputs), None).detach()) < 1e-6
    check(module, criterion, dtype)


def test_float32_inside_a_loss_in_double_contradicts_nothing():
    check(network(), lambda outputs, targets: functional.mse_loss(outputs.float(), targets.float()))
    weights = torch.ones(3)  # which do not fit to outputs in double
    fitting = lambda outputs, targets: ((outputs - targets) @ weights).square().mean()  # noqa: E731
    check(network(dtype=torch.float32), fitting, torch.float32)


class Residual(nn.Module):
    """u'' at every x."""

    def __init__(self, *between, forward_mode=False):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(4, 6), *between, nn.Tanh(), nn.Linear(6, 1)).double()
        self.forward_mode = forward_mode

    def forward(self, places):
        if self.forward_mode:
            ones = torch.ones_like(places)
            return torch.func.jvp(lambda at: torch.func.jvp(self.body, (at,), (ones,))[1], (places,), (ones,))[1]
        places = places.clone().requires_grad_()
        first = torch.autograd.grad(self.body(places).sum(), places, create_graph=True)[0]
        return torch.autograd.grad(first.sum(), places, create_graph=True)[0].sum(1, keepdim=True)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch's own forward mode calls it
@pytest.mark.parametrize("forward_mode", [False, True])
def test_a_loss_that_takes_derivatives_is_read_and_with_torch_s_normalizations_refused(forward_mode):
    inputs, _ = data()
    targets = torch.zeros(20, 1).double()

    def read(*between):
        module = Residual(*between, forward_mode=forward_mode)
        return SharpnessTracker(module, nn.MSELoss(), inputs, targets).measure()

    assert read().converged
    assert read(LayerNorm(6)).converged
    assert read(nn.BatchNorm1d(6).eval()).converged
    for normalization in (nn.LayerNorm(6), nn.BatchNorm1d(6, track_running_stats=False)):
        with pytest.raises(BadInput, match=r"the loss takes derivatives itself, through .*Norm"):
            read(normalization)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
@pytest.mark.parametrize("forward_mode", [False, True])
@pytest.mark.parametrize("between", [nn.LayerNorm(6), nn.BatchNorm1d(6, track_running_stats=False)])
def test_quotients_contradict_torch_s_normalizations_in_such_a_loss_by_themselves(between, forward_mode):
    with pytest.raises(BadInput, match="its gradient says"):
        check(Residual(nn.Tanh(), between, forward_mode=forward_mode), lambda outputs, _: outputs.square().mean())


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
@pytest.mark.parametrize("forward_mode", [False, True])
@pytest.mark.parametrize(
    "between", [nn.GroupNorm(2, 6), nn.RMSNorm(6), nn.Softmax(-1), nn.GELU(), nn.Mish(), LayerNorm(6)]
)
def test_and_nothing_else(between, forward_mode):
    check(Residual(between, forward_mode=forward_mode), lambda outputs, _: outputs.square().mean())


def test_derivatives_that_are_only_looked_at_do_not_count():
    class Watches(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = network(nn.LayerNorm(6))

        def forward(self, inputs):
            places = inputs.clone().requires_grad_()
            torch.autograd.grad(self.body(places).sum(), places)
            return self.body(inputs)

    inputs, targets = data()
    assert SharpnessTracker(Watches(), nn.MSELoss(), inputs, targets).measure().converged


class Switched(nn.Module):
    """A layer that goes over to a backward pass without a derivative."""

    def __init__(self):
        super().__init__()
        self.own = False

    def forward(self, values):
        return Detached.apply(values) if self.own else values.tanh()


def test_what_becomes_wrong_in_training_is_found_from_time_to_time():
    module, (inputs, targets) = network(Switched()), data()
    tracker = SharpnessTracker(module, nn.MSELoss(), inputs, targets)
    for _ in range(3):
        tracker.step()
    module[1].own = True
    tracker.step()  # the fourth reading; compared is after 1, 4, 16, 64 …
    with pytest.raises(BadInput, match="an operation has no second derivative"):
        tracker.step()


def test_a_run_that_diverges_is_not_ended():
    module, (inputs, targets) = network(nn.ReLU(), dtype=torch.float32), data(dtype=torch.float32)
    tracker = SharpnessTracker(module, nn.MSELoss(), inputs, targets)
    optimizer = torch.optim.SGD(module.parameters(), lr=50.0)
    for _ in range(12):
        tracker.step()
        optimizer.zero_grad()
        nn.functional.mse_loss(module(inputs), targets).backward()
        optimizer.step()
    assert tracker.history.full_loss[-1] > 1e3 or tracker.history.full_loss[-1].isnull()
