from .central_flow import central_flow as central_flow
from .edge_flow import edge_flow as edge_flow
from .rod_flow import rod_flow as rod_flow
