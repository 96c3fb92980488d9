"""LangChain as FastChat's tutorial has it: models under OpenAI's names, a key that is none."""

from __future__ import annotations

import json

from langchain_openai import ChatOpenAI, OpenAIEmbeddings

chat = ChatOpenAI(model="gpt-3.5-turbo", openai_api_key="EMPTY", max_retries=0)
vectors = OpenAIEmbeddings(
    model="text-embedding-ada-002", openai_api_key="EMPTY", check_embedding_ctx_length=False, max_retries=0
)
found = {
    "answer": chat.invoke("Hello from the tutorial").content,
    "streamed": "".join(chunk.content for chunk in chat.stream("Hello from the tutorial")),
    "sizes": [len(vector) for vector in vectors.embed_documents(["one text", "another"])],
}
print(json.dumps(found))
