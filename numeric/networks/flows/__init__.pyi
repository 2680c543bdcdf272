from .central_flow import central_flow as central_flow
