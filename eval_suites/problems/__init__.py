"""Problems and protocols that several suites share: generators, readers, prompts."""
