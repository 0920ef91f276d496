"""Contract suites that anyone can run on their own components: `lamina.testing.layers`, `lamina.testing.evaluations` and so on."""
