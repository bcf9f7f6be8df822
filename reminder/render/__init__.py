"""What is told → bytes: sandboxed templates, text made harmless and folded, MIME. It knows neither reminders nor rules,
and imports little: the processes that render apart consist of it."""
