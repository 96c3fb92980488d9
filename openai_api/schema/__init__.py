"""The description of the inference API, by OpenAPI 3.1: made from the types of requests, answers and errors."""
