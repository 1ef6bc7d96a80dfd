"""A page to try one or two classifiers by hand; only `playground_page` and `local_server` need gradio."""
