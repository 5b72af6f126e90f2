"""PTW UNIDOS Tango and Romeo dosemeters, over TCP."""

from drivers.ptw_unidos_tango.driver import PtwUnidosRomeo, PtwUnidosTango, TangoSettings

__all__ = ["PtwUnidosRomeo", "PtwUnidosTango", "TangoSettings"]
