"""A page to try one or two classifiers by hand; all but `playground_page` and `local_server` does without gradio."""
