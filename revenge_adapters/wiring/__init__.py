"""Where everything is put together: settings in, a plain `Revenge` out. The only place that knows containers."""
