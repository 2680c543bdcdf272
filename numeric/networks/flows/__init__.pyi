from .averages import two_step_averages as two_step_averages
from .central_flow import central_flow as central_flow
from .central_flow import loss_and_training as loss_and_training
from .edge_flow import edge_flow as edge_flow
from .rod_flow import rod_flow as rod_flow
from .rules import Training as Training
from .rules import training_of as training_of
