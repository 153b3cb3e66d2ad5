"""The room of /learn: what its pages show of the running server. Its door is `Lesson`; see docs/learn.md."""
