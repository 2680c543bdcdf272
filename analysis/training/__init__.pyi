from .options import OneStepSizeOptions as OneStepSizeOptions
from .options import StepSizeOptions as StepSizeOptions
from .options import TrainingOptions as TrainingOptions
from .options import check_seeds as check_seeds
from .runs import combined as combined
from .runs import flat_loss as flat_loss
from .runs import runs_along as runs_along
from .runs import train as train
