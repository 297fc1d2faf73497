register_engine(name="my_model", model="mistralai/Mixtral-8x7B", backend="vllm_api", lazy=True)
