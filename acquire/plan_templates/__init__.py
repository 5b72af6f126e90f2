"""Templates of plans: TOML as people write it, with a named place for every value. None has a clinical default.

A line `#: for each port` begins what is repeated for each port of a treatment plan, up to `#: end`; ids in it end
in -1.
"""

from acquire.plan_templates.filling import filled
from acquire.plan_templates.template import Template, template, templates

__all__ = ["Template", "filled", "template", "templates"]
