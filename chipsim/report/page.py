def write_page(result, path):
    raise NotImplementedError
