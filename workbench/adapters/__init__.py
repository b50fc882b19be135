"""The only place that imports third-party engines, one module each, lazily."""
